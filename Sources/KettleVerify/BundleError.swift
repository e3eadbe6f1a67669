public import KettleError

/// Why a bundle could not be read.
public enum BundleError: UserFacingError, Hashable {
    /// The file system did not hand it out. Nothing is known about the bundle then.
    case unreadable(reason: String)
    /// Neither a folder nor a ZIP or tar.gz archive.
    case notABundle
    /// The archive is cut off, encrypted or broken.
    case damaged(reason: String)
    /// A name that leaves the bundle, is no text, or has a part that is empty, `.` or `..`.
    case entryName(String)
    case duplicateEntry(String)
    case limitExceeded(limit: String, value: Int64)

    /// Whether the bundle itself is at fault, so that it is rejected. Otherwise nobody knows.
    public var isTheBundlesFault: Bool {
        if case .unreadable = self { false } else { true }
    }

    public var code: String {
        switch self {
        case .unreadable: "bundle.unreadable"
        case .notABundle: "bundle.format"
        case .damaged: "bundle.damaged"
        case .entryName: "bundle.entry_name"
        case .duplicateEntry: "bundle.duplicate_entry"
        case .limitExceeded: "bundle.limit_exceeded"
        }
    }

    public var message: String {
        switch self {
        case .unreadable(let reason): "the bundle cannot be read: \(reason)"
        case .notABundle: "the bundle is neither a folder nor a ZIP or tar.gz archive"
        case .damaged(let reason): "the bundle's archive is damaged: \(reason)"
        case .entryName(let name): "the bundle has an entry with the unusable name \"\(name)\""
        case .duplicateEntry(let name): "the bundle has two entries named \"\(name)\""
        case .limitExceeded(let limit, let value): "the bundle exceeds the limit of \(value) for \(limit)"
        }
    }

    public var hint: String? {
        switch self {
        case .unreadable, .notABundle: "name a bundle: a folder, a .zip or a .tar.gz"
        case .damaged: "fetch the bundle again"
        case .entryName, .duplicateEntry, .limitExceeded: nil
        }
    }
}
