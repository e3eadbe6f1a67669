import CArchive
import Glibc

/// An entry of an archive that a test makes, be it one that no honest tool writes.
struct PackedEntry {
    enum Kind: CaseIterable {
        case zip
        case tarGzip
    }

    var path: String
    var content: [UInt8] = []
    var type: mode_t = S_IFREG
    var target: String?

    struct PackingFailed: Error {}

    static func write(_ entries: [PackedEntry], as kind: Kind, to path: String) throws {
        guard let archive = archive_write_new() else { throw PackingFailed() }
        defer { archive_write_free(archive) }
        switch kind {
        case .zip: archive_write_set_format_zip(archive)
        case .tarGzip:
            archive_write_set_format_pax_restricted(archive)
            archive_write_add_filter_gzip(archive)
        }
        guard archive_write_open_filename(archive, path) == ARCHIVE_OK else { throw PackingFailed() }
        for entry in entries {
            guard let header = archive_entry_new() else { throw PackingFailed() }
            defer { archive_entry_free(header) }
            archive_entry_set_pathname_utf8(header, entry.path)
            archive_entry_set_filetype(header, UInt32(entry.type))
            archive_entry_set_perm(header, 0o644)
            archive_entry_set_size(header, Int64(entry.content.count))
            if let target = entry.target, entry.type == S_IFLNK { archive_entry_set_symlink(header, target) }
            guard archive_write_header(archive, header) == ARCHIVE_OK else { throw PackingFailed() }
            guard archive_write_data(archive, entry.content, entry.content.count) == entry.content.count else {
                throw PackingFailed()
            }
        }
        guard archive_write_close(archive) == ARCHIVE_OK else { throw PackingFailed() }
    }
}
