import CArchive
import Glibc

/// libarchive's reading of one archive, in the terms of a source.
///
/// Bound to the thread that makes it, until it is gone.
package final class ArchiveReader {
    private let archive: OpaquePointer
    /// Names are bytes: in a UTF-8 locale libarchive composes what a name has decomposed (é written as e and an accent), and
    /// the files would not be those of the archive. In the C locale it gives up on such names and hands out the bytes.
    private let locale = newlocale(1 << LC_CTYPE, "C", nil)
    private let callersLocale: locale_t?

    package init() throws(ArchiveError) {
        guard let archive = archive_read_new() else { throw .storage(errno: ENOMEM) }
        self.archive = archive
        callersLocale = uselocale(locale)
    }

    deinit {
        archive_read_free(archive)
        uselocale(callersLocale)
        freelocale(locale)
    }

    /// Begins with a ZIP, by the directory at its end and never by scanning for entries.
    package func open(zip file: ArchiveFile) throws(ArchiveError) {
        archive_read_support_format_zip_seekable(archive)
        guard file.open(in: archive) == ARCHIVE_OK else { throw failure() }
    }

    /// Begins with a tar archive. The stream must outlive the reader.
    package func open(tar stream: GzipStream) throws(ArchiveError) {
        archive_read_support_format_tar(archive)
        archive_read_support_format_empty(archive)
        archive_read_set_callback_data(archive, Unmanaged.passUnretained(stream).toOpaque())
        archive_read_set_read_callback(archive) { _, stream, block in
            guard let stream, let block else { return -1 }
            do {
                let bytes = try Unmanaged<GzipStream>.fromOpaque(stream).takeUnretainedValue().next()
                block.pointee = bytes.baseAddress
                return bytes.count
            } catch {
                return -1
            }
        }
        guard archive_read_open1(archive) == ARCHIVE_OK else { throw failure() }
    }

    /// nil after the last entry.
    package func nextEntry() throws(ArchiveError) -> OpaquePointer? {
        var entry: OpaquePointer?
        switch archive_read_next_header(archive, &entry) {
        case ARCHIVE_OK: return entry
        case ARCHIVE_EOF: return nil
        // A name that is not ASCII: its bytes are there nevertheless.
        case ARCHIVE_WARN where reason.contains("be converted from"): return entry
        default: throw failure()
        }
    }

    /// The next block of the entry's content, valid until the next call; what lies between blocks is a hole.
    ///
    /// - Returns: nil after the last.
    package func nextBlock() throws(ArchiveError) -> (bytes: UnsafeRawBufferPointer, offset: Int64)? {
        var block: UnsafeRawPointer?
        var size = 0
        var offset: la_int64_t = 0
        let status = archive_read_data_block(archive, &block, &size, &offset)
        if status == ARCHIVE_EOF { return nil }
        guard status == ARCHIVE_OK else { throw failure() }
        return (UnsafeRawBufferPointer(start: block, count: size), offset)
    }

    /// How much of the archive the entries, and what ends them, take.
    package var bytesRead: Int64 { archive_filter_bytes(archive, 0) }

    private var reason: String { archive_error_string(archive).map { String(cString: $0).lowercased() } ?? "" }

    private func failure() -> ArchiveError {
        reason.contains("truncated") || reason.contains("end-of-file") ? .cutOff : .malformedArchive
    }
}
