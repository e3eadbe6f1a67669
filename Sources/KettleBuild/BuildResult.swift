import Foundation
import KettleAttestation
import KettleProvenance
import KettleStore

/// The JSON object with which a build ends (API section 1.3), its keys in the order of that page.
struct BuildResult {
    private var members: [(key: String, json: [UInt8])] = []

    var encoded: [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for (index, member) in members.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += JSONValue.string(member.key).canonicalBytes()
            bytes.append(UInt8(ascii: ":"))
            bytes += member.json
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private mutating func add(_ key: String, _ value: JSONValue) {
        members.append((key, value.canonicalBytes()))
    }

    /// How a build failed.
    init(_ failure: BuildFailure, of id: BuildID) {
        add("build_id", .string(id.hex))
        add("status", "failed")
        add("error", .string(failure.message))
        add("error_type", .string(failure.kind.rawValue))
        add("code", .string(failure.code))
        if let hint = failure.hint { add("hint", .string(hint)) }
        for (key, value) in failure.details { add(key, value) }
    }

    /// What a build made.
    init(_ sealed: SealedBuild, of id: BuildID) {
        let base = "/v1/builds/\(id.hex)"
        func file(_ file: RecordedFile, under folder: String) -> JSONValue {
            .object([
                "name": .string(file.name), "sha256": .string(file.digest.hex), "size": .integer(file.size),
                "download_url": .string("\(base)/\(folder)/\(Self.pathComponent(file.name))"),
            ])
        }
        add("build_id", .string(id.hex))
        add("status", "success")
        add("build_system", .string(sealed.buildSystem))
        add("artifacts", .array(sealed.artifacts.map { file($0, under: "artifacts") }))
        add("build_config", file(sealed.lockfile, under: "build-config"))
        members.append(("provenance", sealed.statement))
        if let (platform, evidence) = sealed.attestation {
            add("attestation", .string(Data(evidence).base64EncodedString()))
            add("attestation_status", "success")
            add("platform", .string(platform.rawValue))
        }
        add("bundle_url", .string("\(base)/bundle.zip"))
        add("duration_ms", .integer(sealed.durationInMilliseconds))
    }

    /// Percent-encodes a file name for one component of a URL's path (RFC 3986, unreserved characters stay).
    private static func pathComponent(_ name: String) -> String {
        var allowed = CharacterSet.alphanumerics.intersection(CharacterSet(charactersIn: "\u{0}"..."\u{7F}"))
        allowed.insert(charactersIn: "-._~")
        return name.addingPercentEncoding(withAllowedCharacters: allowed) ?? name
    }
}

/// What is left of a build that succeeded: everything is stored, signed and named by digest.
struct SealedBuild: Sendable {
    var buildSystem: String
    var artifacts: [RecordedFile]
    var lockfile: RecordedFile
    /// The exact bytes of provenance.json.
    var statement: [UInt8]
    /// The exact bytes of evidence.json, and what they are of; nil for a build that nobody attests to.
    var attestation: (platform: Platform, evidence: [UInt8])?
    var durationInMilliseconds: Int64
    /// Everything to be recorded, the artifacts and the lockfile included.
    var files: [RecordedFile]
}
