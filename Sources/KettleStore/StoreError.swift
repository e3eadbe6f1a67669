import KettleError

/// Why the data folder could not be used.
package enum StoreError: UserFacingError, Equatable {
    /// The folder cannot be made, read or written; `reason` is the system's text.
    case folderUnusable(path: String, reason: String)
    /// Another process serves from this data folder.
    case folderInUse(path: String)
    /// No service has made its database in this folder.
    case folderUnused(path: String)
    /// The folder belongs to another user.
    case folderOfAnother(path: String)
    /// A file could not be written, most often because the disk is full.
    case writeFailed(what: String, reason: String)
    /// A file that the database names could not be read.
    case readFailed(what: String, reason: String)
    /// Another process writes the database for longer than this one waits.
    case databaseBusy
    /// The database is not what SQLite wrote; `reason` is its word.
    case databaseDamaged(reason: String)
    /// The database has other tables than this program knows.
    case schemaOfAnotherVersion
    /// A build was removed while something was done with it.
    case buildGone

    package var code: String {
        switch self {
        case .folderUnusable: "store.folder_unusable"
        case .folderInUse: "store.folder_in_use"
        case .folderUnused: "store.folder_unused"
        case .folderOfAnother: "store.folder_of_another"
        case .writeFailed: "store.write_failed"
        case .readFailed: "store.read_failed"
        case .databaseBusy: "store.database_busy"
        case .databaseDamaged: "store.database_damaged"
        case .schemaOfAnotherVersion: "store.schema_of_another_version"
        case .buildGone: "store.build_gone"
        }
    }

    package var message: String {
        switch self {
        case .folderUnusable(let path, let reason): "the data folder \"\(path)\" cannot be used: \(reason)"
        case .folderInUse(let path): "another kettle serves from the data folder \"\(path)\""
        case .folderUnused(let path): "no service has used the data folder \"\(path)\""
        case .folderOfAnother(let path): "the data folder \"\(path)\" belongs to another user"
        case .writeFailed(let what, let reason): "\(what) could not be written: \(reason)"
        case .readFailed(let what, let reason): "\(what) could not be read: \(reason)"
        case .databaseBusy: "the database is busy"
        case .databaseDamaged(let reason): "the database is damaged: \(reason)"
        case .schemaOfAnotherVersion: "the database was made by another version of kettle"
        case .buildGone: "the build was removed meanwhile"
        }
    }

    /// ``message`` as callers of the service may read it: without paths and without SQLite's words, which may hold SQL.
    package var messageForCallers: String {
        switch self {
        case .folderUnusable, .folderInUse, .folderUnused, .folderOfAnother: "the data folder cannot be used"
        case .writeFailed(let what, _): "\(what) cannot be written"
        case .readFailed(let what, _): "\(what) cannot be read"
        case .databaseDamaged: "the database is damaged"
        case .databaseBusy, .schemaOfAnotherVersion, .buildGone: message
        }
    }

    package var hint: String? {
        switch self {
        case .folderUnusable: "name a folder that this user may write with --data-dir"
        case .folderInUse: "stop the other one, or name another folder with --data-dir"
        case .folderUnused: "start kettle serve with this data folder first, or name the service's with --data-dir"
        case .folderOfAnother: "run this as the user that the service runs as"
        case .writeFailed: "see whether the disk of the data folder is full or read-only"
        case .readFailed: "see whether something removed files from the data folder"
        case .databaseBusy: "try again; another program holds kettle.db in the data folder"
        case .databaseDamaged:
            "stop the service and put back a copy of the data folder, or recover kettle.db with sqlite3's .recover"
        case .schemaOfAnotherVersion: "use the kettle that the service runs; a newer one must serve once before"
        case .buildGone: nil
        }
    }
}
