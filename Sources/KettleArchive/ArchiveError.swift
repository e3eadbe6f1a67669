import Glibc
import KettleError

/// Why an archive is refused for its form, whatever it holds.
package enum ArchiveError: UserFacingError, Hashable {
    /// The file is neither a ZIP archive nor a gzipped tar archive.
    case notAnArchive
    /// The archive holds nothing.
    case emptyArchive
    /// An entry can only be read with a password.
    case encrypted(path: String)
    /// The list of entries can only be read with a password.
    case directoryEncrypted
    /// The archive ends before it is complete.
    case cutOff
    /// The archive is damaged or breaks the rules of its format.
    case malformedArchive
    /// Something follows the archive in the same file.
    case trailingBytes
    /// An entry is compressed in a way other than deflate.
    case compressionUnsupported(path: String)
    /// An archive says two things about one entry, so that programs can take it for different files.
    case entryAmbiguous(path: String)
    /// Two entries share bytes of the archive.
    case entriesOverlap

    // MARK: Limits

    case tooManyEntries(limit: Int)
    case tooLarge(limitInBytes: Int64)
    /// The content is far larger than the archive, as in an archive made to fill a disk.
    case ratioExceeded(limit: Int64)

    // MARK: Entries

    case entryNameEmpty
    case entryNameHoldsNUL(path: String)
    /// A name in a ZIP archive has a backslash, which some programs take for a slash.
    case entryNameHoldsBackslash(path: String)
    /// A name is not in the encoding that the archive names.
    case entryNameUnreadable
    case entryDevice(path: String)
    case entryFIFO(path: String)
    case entrySocket(path: String)
    case entryTypeUnknown(path: String)
    /// A link's target is too long, or deflated, which no usual program does to some bytes.
    case linkTargetInvalid(path: String)

    /// A system call failed; the number is `errno`.
    case storage(errno: Int32)

    package var code: String {
        switch self {
        case .notAnArchive: "source.not_an_archive"
        case .emptyArchive: "source.empty_archive"
        case .encrypted: "source.encrypted"
        case .directoryEncrypted: "source.directory_encrypted"
        case .cutOff: "source.cut_off"
        case .malformedArchive: "source.malformed_archive"
        case .trailingBytes: "source.trailing_bytes"
        case .compressionUnsupported: "source.compression_unsupported"
        case .entryAmbiguous: "source.entry_ambiguous"
        case .entriesOverlap: "source.entries_overlap"
        case .tooManyEntries: "source.too_many_entries"
        case .tooLarge: "source.too_large"
        case .ratioExceeded: "source.ratio_exceeded"
        case .entryNameEmpty: "source.entry_name_empty"
        case .entryNameHoldsNUL: "source.entry_name_nul"
        case .entryNameHoldsBackslash: "source.entry_name_backslash"
        case .entryNameUnreadable: "source.entry_name_unreadable"
        case .entryDevice: "source.entry_device"
        case .entryFIFO: "source.entry_fifo"
        case .entrySocket: "source.entry_socket"
        case .entryTypeUnknown: "source.entry_type_unknown"
        case .linkTargetInvalid: "source.link_target_invalid"
        case .storage: "source.storage"
        }
    }

    package var message: String {
        switch self {
        case .notAnArchive: "the source is neither a ZIP nor a tar.gz archive"
        case .emptyArchive: "the archive is empty"
        case .encrypted(let path): "the entry \(Self.shown(path)) is encrypted"
        case .directoryEncrypted: "the archive's list of files is encrypted"
        case .cutOff: "the archive ends before it is complete"
        case .malformedArchive: "the archive is damaged"
        case .trailingBytes: "the file goes on after the end of the archive"
        case .compressionUnsupported(let path):
            "the entry \(Self.shown(path)) is compressed with something other than deflate"
        case .entryAmbiguous(let path): "the archive says two different things about the entry \(Self.shown(path))"
        case .entriesOverlap: "entries of the archive overlap"
        case .tooManyEntries(let limit): "the source has more than \(limit) files and folders"
        case .tooLarge(let limit): "the source is larger than \(limit) bytes"
        case .ratioExceeded(let limit): "the source is more than \(limit) times larger than its archive"
        case .entryNameEmpty: "an entry has no name"
        case .entryNameHoldsNUL(let path): "the name of the entry \(Self.shown(path)) holds a NUL"
        case .entryNameHoldsBackslash(let path): "the name of the entry \(Self.shown(path)) holds a backslash"
        case .entryNameUnreadable: "the name of an entry cannot be read"
        case .entryDevice(let path): "the entry \(Self.shown(path)) is a device"
        case .entryFIFO(let path): "the entry \(Self.shown(path)) is a named pipe"
        case .entrySocket(let path): "the entry \(Self.shown(path)) is a socket"
        case .entryTypeUnknown(let path): "the entry \(Self.shown(path)) is neither a file, a folder nor a link"
        case .linkTargetInvalid(let path):
            "the target of the link \(Self.shown(path)) is empty, too long, compressed or not a path"
        case .storage(let number): "the source could not be stored (system error \(number))"
        }
    }

    package var hint: String? {
        switch self {
        case .notAnArchive: "pack the project with zip -r, git archive or tar -czf"
        case .emptyArchive: "pack the project's folder and send that"
        case .encrypted, .directoryEncrypted: "pack the project without a password"
        case .cutOff: "send the archive again; the file or its upload was interrupted"
        case .malformedArchive, .trailingBytes, .entryAmbiguous, .entriesOverlap:
            "pack the project again, with zip or tar"
        case .compressionUnsupported: "pack the project with zip -r, which stores and deflates"
        case .tooManyEntries, .tooLarge, .ratioExceeded: "leave out what the build does not need, such as target/"
        case .entryNameHoldsNUL, .entryNameEmpty: "pack the project with paths relative to its root"
        case .entryNameHoldsBackslash: "pack with a program that writes forward slashes, such as zip, 7z or tar -a"
        case .entryNameUnreadable: "use UTF-8 for the names of files"
        case .storage: "try again later, or tell the operator"
        case .entryDevice, .entryFIFO, .entrySocket, .entryTypeUnknown, .linkTargetInvalid: nil
        }
    }

    /// Any name, for messages, which show far less of it than this keeps.
    package static func text(of name: some Collection<UInt8>) -> String {
        String(decoding: name.prefix(4096), as: UTF8.self)
    }

    /// The failure that the last system call on this thread reported.
    static func lastStorageError() -> ArchiveError { .storage(errno: errno) }
}
