public import KettleError
public import KettleProvenance

/// Why evidence is not what it should be.
public enum EvidenceError: UserFacingError, Hashable {
    case notJSON(JSONError)
    /// A member is missing, unknown, of another type or in a spelling that is not the one allowed.
    case format(reason: String)
    case unknownPlatform(String)
    case unknownAlgorithm(String)
    /// The public key is no P-256 key in its one DER form.
    case malformedKey
    case wrongSignature

    public var code: String {
        switch self {
        case .notJSON: "evidence.not_json"
        case .format: "evidence.format"
        case .unknownPlatform: "evidence.platform"
        case .unknownAlgorithm: "evidence.algorithm"
        case .malformedKey: "evidence.key"
        case .wrongSignature: "evidence.signature"
        }
    }

    public var message: String {
        switch self {
        case .notJSON(let error): "the evidence cannot be read: \(error.message)"
        case .format(let reason): reason
        case .unknownPlatform(let name): "the evidence names the unknown platform \"\(name)\""
        case .unknownAlgorithm(let name): "the evidence is signed with the unknown algorithm \"\(name)\""
        case .malformedKey: "the evidence's public key is not a P-256 key in DER"
        case .wrongSignature: "the evidence's signature is not by its public key over its signed data"
        }
    }

    public var hint: String? { nil }
}
