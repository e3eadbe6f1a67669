import CArchive
import Glibc
package import SystemPackage

/// The kinds of archive that are taken in, told by content and never by name.
package enum ArchiveFormat: Sendable, Hashable {
    case zip
    case tarGzip

    /// Looks at the first bytes of a file.
    package static func recognise(prefix: UnsafeRawBufferPointer) -> ArchiveFormat? {
        // PKWARE APPNOTE 6.3.10, 4.3.7: a local file header; 4.3.16: the end record of an archive with no entries.
        if prefix.starts(with: [0x50, 0x4B, 0x03, 0x04]) || prefix.starts(with: [0x50, 0x4B, 0x05, 0x06]) {
            return .zip
        }
        // RFC 1952, section 2.3.1: the two magic bytes and the deflate method.
        if prefix.starts(with: [0x1F, 0x8B, 0x08]) { return .tarGzip }
        return nil
    }
}

/// Unpacks an uploaded archive.
package enum ArchiveSource {
    /// Writes the archive's files, folders and safe links to a new folder. What is called `.git` is left out: it is the
    /// uploader's claim about a repository and nothing that Kettle saw.
    ///
    /// Blocks. On any error nothing is left of the folder.
    package static func unpack(
        _ archive: FilePath, into folder: FilePath, within limits: SourceLimits
    ) throws(SourceError) {
        let writer = try TreeWriter(creating: folder, within: limits)
        do throws(SourceError) {
            try ArchiveUnpacking(archive, writer).run()
        } catch {
            writer.discard()
            throw error
        }
    }
}

/// One archive on its way into a tree.
private struct ArchiveUnpacking {
    private let path: FilePath
    private let writer: TreeWriter

    // Without a UTF-8 locale libarchive answers nil for names that are not ASCII.
    private static let locale: Void = { setlocale(LC_CTYPE, "C.UTF-8") }()

    init(_ path: FilePath, _ writer: TreeWriter) {
        self.path = path
        self.writer = writer
    }

    func run() throws(SourceError) {
        _ = Self.locale
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .lastStorageError() }
        defer { close(descriptor) }
        writer.archiveBytes = Int64(lseek(descriptor, 0, SEEK_END))
        guard let format = try format(of: descriptor) else { throw .notAnArchive }
        guard lseek(descriptor, 0, SEEK_SET) == 0, let archive = archive_read_new() else {
            throw .lastStorageError()
        }
        defer { archive_read_free(archive) }
        switch format {
        case .zip:
            // By the directory at the end, as everybody else reads a ZIP; never by scanning for entries.
            archive_read_support_format_zip_seekable(archive)
        case .tarGzip:
            archive_read_support_format_tar(archive)
            archive_read_support_filter_gzip(archive)
        }
        guard archive_read_open_fd(archive, descriptor, 256 << 10) == ARCHIVE_OK else { throw failure(archive) }
        try readEntries(archive, format)
        guard !writer.isEmpty else { throw .emptyArchive }
        try writer.finish()
    }

    private func format(of descriptor: CInt) throws(SourceError) -> ArchiveFormat? {
        var prefix = [UInt8](repeating: 0, count: 8)
        let count = pread(descriptor, &prefix, prefix.count, 0)
        guard count >= 0 else { throw .lastStorageError() }
        return prefix.prefix(count).withUnsafeBytes { ArchiveFormat.recognise(prefix: $0) }
    }

    private func readEntries(_ archive: OpaquePointer, _ format: ArchiveFormat) throws(SourceError) {
        var entry: OpaquePointer?
        while true {
            let status = archive_read_next_header(archive, &entry)
            if status == ARCHIVE_EOF { return }
            guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let entry else { throw failure(archive) }
            try add(entry, archive)
        }
    }

    private func add(_ entry: OpaquePointer, _ archive: OpaquePointer) throws(SourceError) {
        guard let name = archive_entry_pathname(entry) else { throw .entryNameUnreadable }
        let bytes = UnsafeRawBufferPointer(start: name, count: strlen(name))
        guard let path = try SourcePath(checking: bytes, within: writer.limits) else { return }
        guard archive_entry_is_encrypted(entry) == 0 else { throw .encrypted(path: path.text) }
        if path.holdsDotGit {
            try writer.countEntry()
            try writer.countBytes(max(0, archive_entry_size(entry)))
            return
        }
        if let target = archive_entry_hardlink(entry) {
            return try addHardLink(path, UnsafeRawBufferPointer(start: target, count: strlen(target)))
        }
        switch archive_entry_filetype(entry) {
        case S_IFREG:
            try writer.beginFile(path, isExecutable: archive_entry_mode(entry) & 0o111 != 0)
            try copyData(archive)
            if archive_entry_size_is_set(entry) != 0 { try writer.extendFile(to: archive_entry_size(entry)) }
            try writer.endFile()
        case S_IFDIR:
            try writer.addFolder(path)
        case S_IFLNK:
            guard let target = archive_entry_symlink(entry) else { throw .linkTargetInvalid(path: path.text) }
            try writer.addLink(path, target: Array(UnsafeRawBufferPointer(start: target, count: strlen(target))))
        case S_IFCHR, S_IFBLK: throw .entryDevice(path: path.text)
        case S_IFIFO: throw .entryFIFO(path: path.text)
        case S_IFSOCK: throw .entrySocket(path: path.text)
        default: throw .entryTypeUnknown(path: path.text)
        }
    }

    /// A hard link to an earlier file of the archive becomes a copy of it.
    private func addHardLink(_ path: SourcePath, _ target: UnsafeRawBufferPointer) throws(SourceError) {
        let text = String(decoding: target, as: UTF8.self)
        var original: SourcePath?
        do throws(SourceError) {
            original = try SourcePath(checking: target, within: writer.limits)
        } catch {
            throw .hardLinkTarget(path: path.text, target: text)
        }
        guard let original, try writer.addCopy(path, of: original) else {
            throw .hardLinkTarget(path: path.text, target: text)
        }
    }

    private func copyData(_ archive: OpaquePointer) throws(SourceError) {
        var block: UnsafeRawPointer?
        var size = 0
        var offset: la_int64_t = 0
        while true {
            let status = archive_read_data_block(archive, &block, &size, &offset)
            if status == ARCHIVE_EOF { return }
            guard status == ARCHIVE_OK else { throw failure(archive) }
            try writer.write(UnsafeRawBufferPointer(start: block, count: size), at: offset)
        }
    }

    private func failure(_ archive: OpaquePointer) -> SourceError {
        let reason = archive_error_string(archive).map { String(cString: $0).lowercased() } ?? ""
        if reason.contains("encrypt") || reason.contains("passphrase") { return .encrypted(path: "") }
        if reason.contains("truncated") || reason.contains("end-of-file") || reason.contains("premature") {
            return .cutOff
        }
        return .malformedArchive
    }
}
