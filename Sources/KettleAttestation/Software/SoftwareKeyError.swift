public import KettleError

/// Why a software key cannot be used.
public enum SoftwareKeyError: UserFacingError, Hashable {
    /// Not the PEM of a P-256 key.
    case malformed
    case unreadable(reason: String)
    /// A folder, a device, a FIFO.
    case notAFile
    case readableByOthers(mode: UInt32)
    case ownedByAnother(userID: UInt32)
    case cannotCreate(reason: String)

    public var code: String {
        switch self {
        case .malformed: "software_key.malformed"
        case .unreadable: "software_key.unreadable"
        case .notAFile: "software_key.not_a_file"
        case .readableByOthers: "software_key.readable_by_others"
        case .ownedByAnother: "software_key.owned_by_another"
        case .cannotCreate: "software_key.cannot_create"
        }
    }

    public var message: String {
        switch self {
        case .malformed: "the software key is not a P-256 key in PEM"
        case .unreadable(let reason): "the software key cannot be read: \(reason)"
        case .notAFile: "the software key is not a regular file"
        case .readableByOthers(let mode): "the software key has mode 0\(String(mode, radix: 8)), so others may use it"
        case .ownedByAnother(let userID): "the software key belongs to another user (\(userID))"
        case .cannotCreate(let reason): "a software key cannot be created: \(reason)"
        }
    }

    public var hint: String? {
        switch self {
        case .malformed: "delete the file to have a new key made, and tell those who verify its fingerprint"
        case .unreadable, .notAFile, .cannotCreate: nil
        case .readableByOthers: "if nobody has read it, chmod 600 it; otherwise delete it to have a new one made"
        case .ownedByAnother: "run Kettle as that user, or give it a data folder of its own"
        }
    }
}
