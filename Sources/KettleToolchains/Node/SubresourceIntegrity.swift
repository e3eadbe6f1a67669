import Foundation

/// The digests by which npm's and pnpm's lockfiles pin a file (W3C Subresource Integrity): `sha512-<base64>`, several of
/// them with spaces between.
enum SubresourceIntegrity {
    private static let limitInBytes = 1024

    /// The one digest that everybody who reads the text goes by.
    ///
    /// Package managers go by the strongest algorithm, and take any one of several digests of it; so there may be one only.
    ///
    /// - Parameter package: What errors call it.
    /// - Throws: ``ToolchainError/weakChecksum(package:algorithm:)`` where nothing better than SHA-1 or MD5 is there, and
    ///   ``ToolchainError/malformedFile(name:line:reason:)``.
    static func digest(
        _ text: String, of package: String, in file: String
    ) throws(ToolchainError) -> PinnedDigest {
        func malformed(_ reason: String) -> ToolchainError { .malformedFile(name: file, line: nil, reason: reason) }
        guard text.utf8.count <= limitInBytes else { throw malformed("the integrity of \(package) is too long") }
        var strongest: PinnedDigest?
        var weak: String?
        for part in text.split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\t" }) {
            // What stands behind a question mark are options, of which none has ever been defined.
            let pieces = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard pieces.count == 2, !part.contains("?") else {
                throw malformed("the integrity of \(package) is not usable")
            }
            guard let algorithm = PinnedDigest.Algorithm(rawValue: String(pieces[0])) else {
                guard ["sha1", "md5"].contains(pieces[0]) else {
                    throw malformed("the integrity of \(package) is of an unknown kind")
                }
                weak = String(pieces[0])
                continue
            }
            guard let digest = decode(String(pieces[1]), algorithm) else {
                throw malformed("the integrity of \(package) is not the base64 of a digest")
            }
            guard let known = strongest else {
                strongest = digest
                continue
            }
            guard known.algorithm != algorithm else { throw malformed("\(package) has two digests of one kind") }
            if algorithm.rawValue > known.algorithm.rawValue { strongest = digest }
        }
        if let strongest { return strongest }
        if let weak { throw .weakChecksum(package: package, algorithm: weak) }
        throw .missingChecksum(package: package)
    }

    /// - Returns: nil for anything but the one text that encodes these bytes.
    private static func decode(_ text: String, _ algorithm: PinnedDigest.Algorithm) -> PinnedDigest? {
        guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else { return nil }
        return PinnedDigest(algorithm, bytes: Array(data))
    }
}
