import KettleError

/// Why the data folder could not be used.
package enum StoreError: UserFacingError, Equatable {
    /// The folder cannot be made, read or written; `reason` is the system's text.
    case folderUnusable(path: String, reason: String)
    /// Another process serves from this data folder.
    case folderInUse(path: String)
    /// A file could not be written, most often because the disk is full.
    case writeFailed(what: String, reason: String)
    /// A file that the database names could not be read.
    case readFailed(what: String, reason: String)

    package var code: String {
        switch self {
        case .folderUnusable: "store.folder_unusable"
        case .folderInUse: "store.folder_in_use"
        case .writeFailed: "store.write_failed"
        case .readFailed: "store.read_failed"
        }
    }

    package var message: String {
        switch self {
        case .folderUnusable(let path, let reason): "the data folder \"\(path)\" cannot be used: \(reason)"
        case .folderInUse(let path): "another kettle serves from the data folder \"\(path)\""
        case .writeFailed(let what, let reason): "\(what) could not be written: \(reason)"
        case .readFailed(let what, let reason): "\(what) could not be read: \(reason)"
        }
    }

    package var hint: String? {
        switch self {
        case .folderUnusable: "name a folder that this user may write with --data-dir"
        case .folderInUse: "stop the other one, or name another folder with --data-dir"
        case .writeFailed: "see whether the disk of the data folder is full or read-only"
        case .readFailed: "see whether something removed files from the data folder"
        }
    }
}
