import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import NIOPosix
import SystemPackage
import Testing

/// Files of `Tests/Vectors/evidence`.
enum Vectors {
    static func path(_ name: String) -> FilePath {
        Corpus.checkout.appending("Tests/Vectors/evidence").appending(FilePath(name).components)
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path(name).string)))
    }
}

/// Report data whose bytes are all different from zero.
let reportData = ReportData(
    statement: ContentDigest(of: "statement".utf8),
    nonce: BuildNonce(bytes: Array(1...16)) ?? .zero)

/// The same as a device takes them: 64 bytes.
let sixtyFourBytes = reportData.bytes + [UInt8](repeating: 0, count: 16)

extension Evidence {
    /// A member of base64 letters.
    func bytes(_ name: String) -> [UInt8]? { members[name]?.stringValue.flatMap(Base64.decode) }
}

/// What a check gives that takes no evidence.
struct Refused: Error, Equatable {}
