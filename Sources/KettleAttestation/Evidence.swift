public import KettleProvenance

/// `evidence.json` as it was received: which platform it claims to be of, and that platform's members.
///
/// Nothing is verified here. The members are read by the folder of their platform.
public struct Evidence: Hashable, Sendable {
    /// The longest `evidence.json` that is read: 10 MiB.
    public static let limitInBytes = 10 * 1024 * 1024

    /// The platform it claims.
    public let platform: Platform
    /// The platform's name as it was written, such as `gcp-snp`.
    public let platformName: String
    /// The members of `evidence`, whose shape the platform sets.
    public let members: [String: JSONValue]

    /// Reads an envelope, exactly `{"platform": …, "evidence": {…}}`.
    ///
    /// - Throws: ``EvidenceError``: `evidence.format`, `json.duplicate` or `evidence.platform`.
    public init(parsing bytes: [UInt8]) throws(EvidenceError) {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes, maximumBytes: Self.limitInBytes)
        } catch {
            throw .notJSON(error)
        }
        guard let envelope = json.objectValue else { throw .format(reason: "the evidence is not a JSON object") }
        try Self.require(envelope, toHaveExactly: ["evidence", "platform"], in: "the evidence")
        guard let name = envelope["platform"]?.stringValue else {
            throw .format(reason: "the evidence's platform is not a string")
        }
        guard let platform = Platform(evidenceName: name) else { throw .unknownPlatform(name) }
        guard let members = envelope["evidence"]?.objectValue else {
            throw .format(reason: "the evidence's content is not a JSON object")
        }
        self.platform = platform
        platformName = name
        self.members = members
    }

    /// Refuses an object that lacks one of `names`, or has another member than those and the `optional` ones.
    static func require(
        _ object: [String: JSONValue], toHaveExactly names: [String], optional: [String] = [], in place: String
    ) throws(EvidenceError) {
        if let unknown = object.keys.filter({ !names.contains($0) && !optional.contains($0) }).min() {
            throw .format(reason: "\(place) has an unknown member \"\(unknown)\"")
        }
        if let missing = names.filter({ object[$0] == nil }).min() {
            throw .format(reason: "\(place) has no member \"\(missing)\"")
        }
    }
}

extension Evidence {
    /// A member in canonical base64.
    ///
    /// - Parameter url: Whether its alphabet is that of base64url.
    func bytes(_ name: String, url: Bool = false) throws(EvidenceError) -> [UInt8] {
        guard let text = members[name]?.stringValue else {
            throw .format(reason: "the \(platformName) evidence's \(name) is not a string")
        }
        guard let bytes = url ? Base64.decodeURL(text) : Base64.decode(text) else {
            throw .format(reason: "the \(platformName) evidence's \(name) is not canonical base64\(url ? "url" : "")")
        }
        return bytes
    }
}
