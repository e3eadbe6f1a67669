import CArchive
import CZlib
import Crypto
import Glibc
import KettleArchive
import KettleProvenance
package import SystemPackage

/// Packs a folder as the archive that a service takes in: the same files give the same bytes.
package enum SourcePacking {
    /// 1980-01-01.
    private static let entryTime: Int = 315_532_800

    /// Writes a gzipped tar of some files to a new file. Blocks.
    ///
    /// - Parameters:
    ///   - paths: Files and links below the folder, as bytes; what is not there, or is neither, is left out.
    ///   - commit: The content of the commit that is checked out, so that the one who unpacks can see whether these are its
    ///     files (`ArchivedRepository`); nil for none.
    /// - Returns: What was packed of the folder, with the names that git has for it in SHA-1 repositories.
    /// - Throws: ``SourceError``. Nothing is left of the archive then.
    @discardableResult
    package static func pack(
        _ folder: FilePath, _ paths: [[UInt8]], commit: [UInt8]?, into archive: FilePath
    ) throws(SourceError) -> [GitTreeListing] {
        let output = open(archive.string, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw .lastStorageError() }
        defer { close(output) }
        do throws(SourceError) {
            let writer = try ArchiveWriter(to: output)
            var packed: [GitTreeListing] = []
            for path in paths.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                if let file = try writer.add(path, in: folder) { packed.append(file) }
            }
            if let commit { for (path, content) in try repository(of: commit) { try writer.add(path, content) } }
            try writer.finish()
            return packed
        } catch {
            unlink(archive.string)
            throw error
        }
    }

    /// All files and links below a folder, but those of `.git`.
    package static func files(below folder: FilePath) throws(SourceError) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var pending: [[UInt8]] = [[]]
        while let place = pending.popLast() {
            let path = FileName(Array("\(folder.string)/".utf8) + place)
            let descriptor = path.withCString { open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
            guard descriptor >= 0 else { throw .lastStorageError() }
            for entry in try FolderListing.entries(consuming: descriptor) where !entry.name.isDotGit {
                let child = place + (place.isEmpty ? [] : [UInt8(ascii: "/")]) + entry.name.bytes
                var status = stat()
                let full = FileName(Array("\(folder.string)/".utf8) + child)
                guard full.withCString({ lstat($0, &status) }) == 0 else { throw .lastStorageError() }
                if status.st_mode & S_IFMT == S_IFDIR { pending.append(child) } else { found.append(child) }
            }
        }
        return found
    }

    /// A `.git` with one object: a loose one is deflated behind its header (gitrepository-layout, gitformat-pack).
    private static func repository(of commit: [UInt8]) throws(SourceError) -> [(path: String, content: [UInt8])] {
        guard let named = GitCommit(content: commit) else { return [] }
        let object = Array("commit \(commit.count)\0".utf8) + commit
        var deflated = [UInt8](repeating: 0, count: Int(compressBound(uLong(object.count))))
        var size = uLong(deflated.count)
        guard compress2(&deflated, &size, object, uLong(object.count), 9) == Z_OK else {
            throw .storage(errno: ENOMEM)
        }
        return [
            (".git/HEAD", Array("\(named.id)\n".utf8)),
            (".git/objects/\(named.id.prefix(2))/\(named.id.dropFirst(2))", Array(deflated.prefix(Int(size)))),
        ]
    }

    /// libarchive, writing one tar.
    private final class ArchiveWriter {
        private let archive: OpaquePointer

        init(to descriptor: CInt) throws(SourceError) {
            guard let archive = archive_write_new() else { throw .storage(errno: ENOMEM) }
            self.archive = archive
            try check(archive_write_set_format_pax_restricted(archive))
            try check(archive_write_add_filter_gzip(archive))
            // Otherwise the time of packing stands in the gzip header.
            try check(archive_write_set_filter_option(archive, "gzip", "timestamp", nil))
            try check(archive_write_set_bytes_in_last_block(archive, 1))
            try check(archive_write_open_fd(archive, descriptor))
        }

        deinit { archive_write_free(archive) }

        func finish() throws(SourceError) { try check(archive_write_close(archive)) }

        func add(_ path: String, _ content: [UInt8]) throws(SourceError) {
            try begin(Array(path.utf8)) { archive_entry_set_size($0, la_int64_t(content.count)) }
            try content.withUnsafeBytes { bytes in Result { () throws(SourceError) in try write(bytes) } }.get()
        }

        /// - Returns: nil for what is not there, or is neither a file nor a link.
        func add(_ path: [UInt8], in folder: FilePath) throws(SourceError) -> GitTreeListing? {
            // Through no link: a folder that is one would bring in files from outside the project.
            guard let (parent, name) = try open(path, below: folder) else { return nil }
            defer { close(parent) }
            var status = stat()
            guard name.withCString({ fstatat(parent, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 else { return nil }
            switch status.st_mode & S_IFMT {
            case S_IFLNK:
                var target = [CChar](repeating: 0, count: 4097)
                let count = name.withCString { readlinkat(parent, $0, &target, 4096) }
                guard count >= 0 else { throw .lastStorageError() }
                try begin(path, S_IFLNK, 0o777) { archive_entry_copy_symlink($0, target) }
                var hasher = GitTree.begin("blob", Int64(count))
                target.withUnsafeBytes { hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                return GitTreeListing(kind: .link, id: Array(hasher.finalize()).hexadecimal, path: path)
            case S_IFREG:
                let file = name.withCString { openat(parent, $0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
                guard file >= 0, fstat(file, &status) == 0 else { throw .lastStorageError() }
                defer { close(file) }
                let isExecutable = status.st_mode & S_IXUSR != 0
                try begin(path, S_IFREG, isExecutable ? 0o755 : 0o644) {
                    archive_entry_set_size($0, la_int64_t(status.st_size))
                }
                let id = try copy(file, size: Int64(status.st_size))
                return GitTreeListing(kind: .file(isExecutable: isExecutable), id: id, path: path)
            default: return nil
            }
        }

        /// - Returns: The folder that a file stands in, open, and the file's name; nil where there is none, or behind a link.
        private func open(
            _ path: [UInt8], below folder: FilePath
        ) throws(SourceError) -> (parent: CInt, name: FileName)? {
            var parts = path.split(separator: UInt8(ascii: "/")).map { FileName($0) }
            guard let name = parts.popLast() else { return nil }
            var parent = Glibc.open(folder.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            for part in parts where parent >= 0 {
                let next = part.withCString { openat(parent, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
                close(parent)
                parent = next
            }
            return parent < 0 ? nil : (parent, name)
        }

        /// - Returns: The file's name as a blob of git's.
        private func copy(_ file: CInt, size: Int64) throws(SourceError) -> String {
            var hasher = GitTree.begin("blob", size)
            let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
            defer { block.deallocate() }
            while true {
                let count = read(file, block.baseAddress, block.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw .lastStorageError() }
                guard count > 0 else { return Array(hasher.finalize()).hexadecimal }
                let piece = UnsafeRawBufferPointer(rebasing: block[..<count])
                hasher.update(bufferPointer: piece)
                try write(piece)
            }
        }

        private func begin(
            _ path: [UInt8], _ type: mode_t = S_IFREG, _ mode: mode_t = 0o644, _ describe: (OpaquePointer) -> Void
        ) throws(SourceError) {
            guard let entry = archive_entry_new() else { throw .storage(errno: ENOMEM) }
            defer { archive_entry_free(entry) }
            FileName(path).withCString { archive_entry_copy_pathname(entry, $0) }
            archive_entry_set_filetype(entry, UInt32(type))
            archive_entry_set_perm(entry, mode)
            archive_entry_set_mtime(entry, time_t(SourcePacking.entryTime), 0)
            describe(entry)
            let status = archive_write_header(archive, entry)
            // A name that is not ASCII, whose bytes are written nevertheless.
            guard status == ARCHIVE_OK || status == ARCHIVE_WARN else { throw failure }
        }

        /// A file that grew meanwhile is written as long as it was.
        private func write(_ bytes: UnsafeRawBufferPointer) throws(SourceError) {
            guard bytes.isEmpty || archive_write_data(archive, bytes.baseAddress, bytes.count) >= 0 else {
                throw failure
            }
        }

        private func check(_ status: CInt) throws(SourceError) {
            guard status == ARCHIVE_OK else { throw failure }
        }

        private var failure: SourceError {
            let number = archive_errno(archive)
            return number == ENOSPC || number == EDQUOT ? .diskFull : .storage(errno: number)
        }
    }
}
