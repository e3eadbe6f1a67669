import CArchive
import Glibc
import KettleArchive
import KettleError

/// Reads a bundle from a ZIP or a tar.gz. libarchive decodes it; nothing is written to disk.
enum BundleArchive {
    /// Without a UTF-8 locale libarchive hands out no names beyond ASCII. Done once, for the process.
    private static let hasLocale: Bool = setlocale(LC_CTYPE, "C.UTF-8") != nil

    /// - Parameter file: An open regular file, at its start. Stays open.
    static func read(_ file: CInt, into collector: inout BundleCollector) throws(BundleError) {
        _ = hasLocale
        try checkForm(of: file, collector.limits)
        guard let archive = archive_read_new() else { throw .unreadable(reason: "out of memory") }
        defer { archive_read_free(archive) }
        // Only the formats that a bundle may have: libarchive knows many more, and each is code that reads a stranger's bytes.
        switch try magic(of: file) {
        case let start where start.starts(with: [0x50, 0x4B]):
            // The seekable reader takes some of an entry from its own header; ``checkForm(of:_:)`` saw that they agree.
            archive_read_support_format_zip_seekable(archive)
        case let start where start.starts(with: [0x1F, 0x8B]):
            archive_read_support_filter_gzip(archive)
            archive_read_support_format_tar(archive)
        default: throw .notABundle
        }
        guard archive_read_open_fd(archive, file, 128 * 1024) == ARCHIVE_OK else { throw damage(archive) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        var entry: OpaquePointer?
        while true {
            let result = archive_read_next_header(archive, &entry)
            if result == ARCHIVE_EOF { return }
            guard result == ARCHIVE_OK, let entry else { throw damage(archive) }
            try readEntry(entry, of: archive, buffer, into: &collector)
        }
    }

    /// A verdict is about what anybody unpacks, so there must be one thing only that anybody could unpack.
    private static func checkForm(of file: CInt, _ limits: BundleLimits) throws(BundleError) {
        let form = ArchiveLimits(
            entries: limits.entries, bytes: limits.bytes, ratio: .max, ratioFloorBytes: limits.bytes, linkBytes: 4095)
        do throws(ArchiveError) {
            try ArchiveFormat.checkForm(of: ArchiveFile(descriptor: file), within: form)
        } catch {
            switch error {
            case .notAnArchive: throw .notABundle
            case .storage(let number): throw .unreadable(reason: String(cString: strerror(number)))
            case .tooManyEntries(let limit): throw .limitExceeded(limit: "entries", value: Int64(limit))
            case .tooLarge(let limit): throw .limitExceeded(limit: "bytes", value: limit)
            default: throw .damaged(reason: error.message)
            }
        }
    }

    private static func readEntry(
        _ entry: OpaquePointer, of archive: OpaquePointer, _ buffer: UnsafeMutableRawBufferPointer,
        into collector: inout BundleCollector
    ) throws(BundleError) {
        guard let pointer = archive_entry_pathname_utf8(entry), var path = String(validatingCString: pointer) else {
            throw .entryName("(not UTF-8)")
        }
        // `tar -c .` begins every name so.
        if path.hasPrefix("./") { path.removeFirst(2) }
        let kind = archive_entry_filetype(entry)
        if kind == S_IFDIR {
            if path.hasSuffix("/") { path.removeLast() }
            if path.isEmpty || path == "." { return }
            return try collector.addFolder(path)
        }
        guard kind == S_IFREG, archive_entry_hardlink(entry) == nil else {
            return try collector.addOddity(path, kind: "link or device")
        }
        try collector.beginFile(path)
        while true {
            let count = archive_read_data(archive, buffer.baseAddress, buffer.count)
            if count == 0 { break }
            guard count > 0 else { throw damage(archive) }
            try collector.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        collector.endFile()
    }

    private static func magic(of file: CInt) throws(BundleError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4)
        let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw .unreadable(reason: String(cString: strerror(errno))) }
        return bytes
    }

    private static func damage(_ archive: OpaquePointer) -> BundleError {
        .damaged(reason: archive_error_string(archive).map { String(cString: $0) } ?? "unknown error")
    }
}
