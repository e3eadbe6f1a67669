import Crypto
import Foundation
package import KettleProvenance
import KettleSandbox

/// A binary cache that the operator trusts: where it is, and the key that signs what it has.
struct NixCache: Sendable, Hashable {
    /// What Nix itself asks when nobody says otherwise (nix.conf(5), `substituters` and `trusted-public-keys`).
    static let standardURL = "https://cache.nixos.org/"
    static let standardKey = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="

    /// It ends with a slash.
    let url: String
    let endpoint: EgressEndpoint
    /// `<name>:<32 bytes in base64>`, as Nix writes it.
    let key: String
    /// What stands before the colon.
    let keyName: String
    private let keyBytes: [UInt8]

    /// - Parameter url: With a slash at its end.
    /// - Throws: ``ToolchainError/invalidConfiguration(reason:)``.
    init(url: String, key: String) throws(ToolchainError) {
        guard let address = RegistryURL(url) else {
            throw .invalidConfiguration(reason: "\"\(url)\" is not the address of a binary cache (https://…)")
        }
        guard let parsed = Self.parse(key, count: 32),
            (try? Curve25519.Signing.PublicKey(rawRepresentation: parsed.bytes)) != nil
        else {
            throw .invalidConfiguration(
                reason: "\"\(key)\" is not the public key of a binary cache (<name>:<32 bytes in base64>)")
        }
        self.url = address.text
        endpoint = address.text == Self.standardURL ? RegistryURL.public("cache.nixos.org") : address.endpoint
        self.key = key
        (keyName, keyBytes) = parsed
    }

    /// The same with the key's signature and no other: those are texts that nobody looked at.
    ///
    /// - Returns: nil when none of the signatures is the key's.
    func verified(_ info: NarInfo) -> NarInfo? {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: keyBytes) else { return nil }
        let fingerprint = Array(info.fingerprint.utf8)
        for text in info.signatures {
            guard let signature = Self.parse(text, count: 64), signature.name == keyName,
                key.isValidSignature(signature.bytes, for: fingerprint)
            else { continue }
            var verified = info
            verified.signatures = ["\(keyName):\(Data(signature.bytes).base64EncodedString())"]
            return verified
        }
        return nil
    }

    private static func parse(_ text: String, count: Int) -> (name: String, bytes: [UInt8])? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...100).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            let bytes = Data(base64Encoded: String(parts[1])), bytes.count == count
        else { return nil }
        return (String(parts[0]), Array(bytes))
    }
}

/// What a binary cache says of one store path (`<hash>.narinfo`). It is the cache's word until ``NixCache/verified(_:)``.
///
/// Lines `Key: value` (Nix's `NarInfo`; Nix manual, "Binary cache store").
package struct NarInfo: Sendable, Hashable {
    static let limitInBytes = 256 << 10
    private static let referenceLimit = 10_000
    /// Of one archive. The sum of as many as there may be is a number that fits.
    private static let sizeLimitInBytes: Int64 = 1 << 40
    private static let compressions: Set<String> = ["none", "xz", "bzip2", "gzip", "zstd", "br", "lzip", "lz4"]

    package let path: StorePath
    /// Relative to the cache.
    package let url: String
    package let compression: String
    /// Of the unpacked Nix archive.
    package let digest: ContentDigest
    /// Of the same, in bytes.
    package let size: Int64
    /// What it needs at run time, sorted; it may be among them itself.
    package let references: [StorePath]
    fileprivate(set) var signatures: [String]

    /// - Returns: nil for what is no such file, and for an address elsewhere.
    package init?(parsing bytes: [UInt8]) {
        guard bytes.count <= Self.limitInBytes else { return nil }
        var fields: [String: String] = [:]
        var signatures: [String] = []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            guard let colon = line.firstRange(of: ":") else { return nil }
            let value = String(line[colon.upperBound...].drop { $0 == " " })
            let name = String(line[..<colon.lowerBound])
            if name == "Sig" {
                signatures.append(value)
            } else if fields.updateValue(value, forKey: name) != nil {
                return nil
            }
        }
        guard let path = fields["StorePath"].flatMap({ StorePath($0) }), let url = fields["URL"], Self.isPlain(url),
            let compression = Optional(fields["Compression"] ?? "bzip2"), Self.compressions.contains(compression),
            let digest = fields["NarHash"], digest.hasPrefix("sha256:"),
            let digest = NixBase32.digest(digest.dropFirst(7)),
            let size = fields["NarSize"].flatMap({ Int64($0) }), (1...Self.sizeLimitInBytes).contains(size)
        else { return nil }
        var references: Set<StorePath> = []
        for text in (fields["References"] ?? "").split(separator: " ") {
            guard let reference = StorePath(base: text), references.count < Self.referenceLimit else { return nil }
            references.insert(reference)
        }
        self.path = path
        self.url = url
        self.compression = compression
        self.digest = digest
        self.size = size
        self.references = references.sorted()
        self.signatures = signatures
    }

    /// What is signed (Nix's `ValidPathInfo::fingerprint`).
    var fingerprint: String {
        "1;\(path.text);sha256:\(NixBase32.encode(digest.bytes));\(size);"
            + references.map(\.text).joined(separator: ",")
    }

    /// The same of an archive that lies elsewhere.
    ///
    /// - Parameter references: Without them a path can be copied before those that it needs, and nothing else done with it.
    func text(url: String, compression: String, references: Bool = true) -> String {
        let references = references ? self.references.map(\.base).joined(separator: " ") : ""
        return """
            StorePath: \(path.text)
            URL: \(url)
            Compression: \(compression)
            NarHash: sha256:\(NixBase32.encode(digest.bytes))
            NarSize: \(size)
            References: \(references)

            """ + signatures.map { "Sig: \($0)\n" }.joined()
    }

    /// A path below the cache's address.
    private static func isPlain(_ url: String) -> Bool {
        let isPlain = { (byte: UInt8) in
            "-._~/+=&".utf8.contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        return (1...1024).contains(url.utf8.count) && !url.hasPrefix("/") && url.utf8.allSatisfy(isPlain)
            && !url.contains("..")
    }
}
