import KettleAttestation
import KettleProvenance
import KettleSource
import KettleStore
import SystemPackage

/// A request as the database keeps it until its build has ended, so that it can be asked again after a crash.
///
///     {"repo_url", "ref", "path", "toolchain", "nonce"} or {"archive": {"name", "sha256", "size"}, "path", "toolchain", "nonce"}
extension BuildRequest {
    /// Whether the build can be begun again by another process; not from an open file, which only this one has.
    var isKept: Bool {
        if case .archive(.open, _, _, _) = source { false } else { true }
    }

    /// The JSON object; nil for a request that is not kept.
    var kept: [UInt8]? {
        guard isKept else { return nil }
        var members: [String: JSONValue] = [:]
        switch source {
        case .archive(_, let name, let digest, let size):
            members["archive"] = ["name": .string(name), "sha256": .string(digest.hex), "size": .integer(size)]
        case .git(let url, let ref):
            members["repo_url"] = .string(url.text)
            members["ref"] = ref.map { .string($0.text) }
        }
        members["path"] = path.map(JSONValue.string)
        members["toolchain"] = toolchain.map(JSONValue.string)
        members["nonce"] = (nonce?.hex).map(JSONValue.string)
        return JSONValue.object(members).canonicalBytes()
    }

    /// Reads what ``kept`` wrote.
    ///
    /// - Parameters:
    ///   - archive: Gives the kept archive, nil where it is gone.
    ///   - urls: What the operator allows now.
    /// - Returns: nil when the request cannot be asked again.
    init?(
        kept bytes: [UInt8], archive: UploadedArchive?, urls: URLPolicy
    ) {
        guard let members = try? JSONValue(parsing: bytes) else { return nil }
        let source: Source
        if let url = members["repo_url"]?.stringValue {
            guard let url = try? urls.check(url) else { return nil }
            let ref = members["ref"]?.stringValue
            let checked = ref.flatMap { try? GitRef(checking: $0) }
            guard (ref == nil) == (checked == nil) else { return nil }
            source = .git(url, ref: checked)
        } else {
            guard let archive, let name = members["archive"]?["name"]?.stringValue,
                let digest = (members["archive"]?["sha256"]?.stringValue).flatMap({ ContentDigest(hex: $0) }),
                let size = members["archive"]?["size"]?.integerValue
            else { return nil }
            source = .archive(archive, name: name, digest: digest, size: size)
        }
        self.init(
            source: source, path: members["path"]?.stringValue, toolchain: members["toolchain"]?.stringValue,
            nonce: (members["nonce"]?.stringValue).flatMap { BuildNonce(text: $0) })
    }

    /// What tells two requests apart that came with the same key: the source by its content, and everything asked of it.
    var fingerprint: ContentDigest {
        var members: [String: JSONValue] = [
            "path": path.map(JSONValue.string) ?? .null, "nonce": (nonce?.hex).map(JSONValue.string) ?? .null,
            "visibility": .string(visibility.rawValue),
        ]
        // Only where there is one: requests of before there were toolchains to name keep their fingerprint.
        members["toolchain"] = toolchain.map(JSONValue.string)
        switch source {
        case .archive(_, _, let digest, _): members["sha256"] = .string(digest.hex)
        case .git(let url, let ref):
            members["repo_url"] = .string(url.text)
            members["ref"] = ref.map { .string($0.text) } ?? .null
        }
        return ContentDigest(of: JSONValue.object(members).canonicalBytes())
    }
}
