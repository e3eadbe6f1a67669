/// Something named by its digest (in-toto attestation framework v1, ResourceDescriptor): a source, a lockfile, a dependency,
/// a tool, a log.
public struct ResourceDescriptor: Hashable, Sendable {
    /// What it is called here, unique among its kind where the kind needs that.
    public var name: String?
    /// Where it is known from, such as a package URL or `git+https://…`.
    public var uri: String?
    /// Lower-case hexadecimal digests by algorithm: `sha256`, `gitCommit`, `gitTree`, … Left out of the JSON when empty.
    public var digest: [String: String]
    /// Where it was fetched from, when that is not its URI.
    public var downloadLocation: String?
    /// What kind of bytes it is.
    public var mediaType: String?
    /// More about it, for example a tool's version. A verifier trusts it as far as it trusts the builder.
    public var annotations: [String: JSONValue]?

    public init(
        name: String? = nil, uri: String? = nil, digest: [String: String] = [:], downloadLocation: String? = nil,
        mediaType: String? = nil, annotations: [String: JSONValue]? = nil
    ) {
        self.name = name
        self.uri = uri
        self.digest = digest
        self.downloadLocation = downloadLocation
        self.mediaType = mediaType
        self.annotations = annotations
    }

    /// A thing known by its SHA-256 alone.
    public init(name: String? = nil, uri: String? = nil, sha256: ContentDigest) {
        self.init(name: name, uri: uri, digest: ["sha256": sha256.hex])
    }

    /// Whether it is known by a package URL.
    package var isPackage: Bool { uri?.hasPrefix("pkg:") ?? false }

    /// The SHA-256, when there is one.
    public var sha256: ContentDigest? { digest["sha256"].flatMap(ContentDigest.init(hex:)) }

    /// The descriptor as it stands in a statement.
    public var json: JSONValue {
        var members: [String: JSONValue] = [:]
        members["name"] = name.map(JSONValue.string)
        members["uri"] = uri.map(JSONValue.string)
        if !digest.isEmpty { members["digest"] = .object(digest.mapValues(JSONValue.string)) }
        members["downloadLocation"] = downloadLocation.map(JSONValue.string)
        members["mediaType"] = mediaType.map(JSONValue.string)
        members["annotations"] = annotations.map(JSONValue.object)
        return .object(members)
    }
}
