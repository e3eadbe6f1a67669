import CArchive
import Glibc
package import SystemPackage

/// Packs the files of a build into the one file that `kettle verify` reads.
///
/// The same files give the same bytes: entries come in the order given, with fixed times and owners.
package enum BundleArchive: String, Sendable, CaseIterable {
    case zip
    case tarGzip = "tar.gz"
    /// What the later published form of the API hands out: artifacts, statement and evidence in one folder.
    case project = "project.tar.gz"

    /// The name by which the API serves it.
    package var name: String { "bundle.\(rawValue)" }

    /// One entry: its name in the bundle and where its bytes lie.
    package struct Entry: Sendable {
        package var name: String
        package var file: FilePath
        package var isExecutable: Bool

        package init(name: String, file: FilePath, isExecutable: Bool) {
            self.name = name
            self.file = file
            self.isExecutable = isExecutable
        }
    }

    /// 1980-01-01, the earliest time that a ZIP can hold.
    private static let entryTime: Int = 315_532_800

    /// Writes the archive to a new file; on failure nothing is left.
    ///
    /// Blocks: call it on a thread of its own.
    package func write(_ entries: [Entry], to path: FilePath) throws(StoreError) {
        let output = open(path.string, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw .writeFailed(what: name, reason: String(cString: strerror(errno))) }
        defer { close(output) }
        do {
            try write(entries, to: output)
        } catch {
            unlink(path.string)
            throw error
        }
    }

    private func write(_ entries: [Entry], to output: CInt) throws(StoreError) {
        guard let archive = archive_write_new() else { throw .writeFailed(what: name, reason: "out of memory") }
        defer { archive_write_free(archive) }
        switch self {
        case .zip:
            try check(archive_write_set_format_zip(archive), archive)
        case .tarGzip, .project:
            try check(archive_write_set_format_pax_restricted(archive), archive)
            try check(archive_write_add_filter_gzip(archive), archive)
            // Otherwise the time of packing stands in the gzip header.
            try check(archive_write_set_filter_option(archive, "gzip", "timestamp", nil), archive)
        }
        // Without this the last block is filled up to 10 KiB with zeros.
        try check(archive_write_set_bytes_in_last_block(archive, 1), archive)
        try check(archive_write_open_fd(archive, output), archive)
        for entry in entries {
            try add(entry, to: archive)
        }
        try check(archive_write_close(archive), archive)
    }

    private func add(_ entry: Entry, to archive: OpaquePointer) throws(StoreError) {
        let input = open(entry.file.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        var status = stat()
        guard input >= 0, fstat(input, &status) == 0 else {
            throw .readFailed(what: entry.name, reason: String(cString: strerror(errno)))
        }
        defer { close(input) }
        guard let header = archive_entry_new() else { throw .writeFailed(what: name, reason: "out of memory") }
        defer { archive_entry_free(header) }
        archive_entry_set_pathname_utf8(header, entry.name)
        archive_entry_set_size(header, la_int64_t(status.st_size))
        archive_entry_set_filetype(header, S_IFREG)
        archive_entry_set_perm(header, entry.isExecutable ? 0o755 : 0o644)
        archive_entry_set_mtime(header, time_t(Self.entryTime), 0)
        try check(archive_write_header(archive, header), archive)
        let failure: StoreError? = withUnsafeTemporaryAllocation(byteCount: 128 << 10, alignment: 16) { block in
            while true {
                let count = read(input, block.baseAddress, block.count)
                if count == 0 { return nil }
                guard count > 0 else {
                    return .readFailed(what: entry.name, reason: String(cString: strerror(errno)))
                }
                guard archive_write_data(archive, block.baseAddress, count) == count else {
                    return .writeFailed(what: name, reason: reason(archive))
                }
            }
        }
        if let failure { throw failure }
    }

    private func check(_ status: CInt, _ archive: OpaquePointer) throws(StoreError) {
        guard status == ARCHIVE_OK else { throw .writeFailed(what: name, reason: reason(archive)) }
    }

    private func reason(_ archive: OpaquePointer) -> String {
        archive_error_string(archive).map { String(cString: $0) } ?? "unknown error"
    }
}
