import CArchive
import Crypto
import Glibc
import KettleProvenance
package import SystemPackage

/// git's name for a folder as it stands: the SHA-1 of its tree object (gitformat-index and gitrepository-layout; the object
/// is `<type> <size>` NUL content, a tree's content is `<mode> <name>` NUL and 20 bytes for each entry).
///
/// Modes are 100644, 100755, 120000 and 40000; a folder without files is no entry, as in git.
package enum GitTree {
    /// Blocks while the files are read.
    ///
    /// - Parameter gitlinks: Folders that are submodules, by path below `folder`, and the ids of the commits they stand for.
    ///   Paths are bytes: to Swift two names are equal that differ in how an accent is encoded.
    /// - Throws: ``SourceError`` when a file cannot be read.
    package static func identify(
        _ folder: FilePath, gitlinks: [[UInt8]: [UInt8]] = [:]
    ) throws(SourceError) -> String {
        let descriptor = open(folder.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .lastStorageError() }
        return (try tree(consuming: descriptor, path: [], gitlinks) ?? hash("tree", [])).hexadecimal
    }

    /// The SHA-1 of an object.
    static func hash(_ type: String, _ content: [UInt8]) -> [UInt8] {
        var hasher = begin(type, Int64(content.count))
        hasher.update(data: content)
        return Array(hasher.finalize())
    }

    static func begin(_ type: String, _ size: Int64) -> Insecure.SHA1 {
        var hasher = Insecure.SHA1()
        hasher.update(data: Array("\(type) \(size)\0".utf8))
        return hasher
    }

    /// nil for a folder without files.
    private static func tree(
        consuming folder: CInt, path: [UInt8], _ gitlinks: [[UInt8]: [UInt8]]
    ) throws(SourceError) -> [UInt8]? {
        defer { close(folder) }
        let copy = dup(folder)
        guard copy >= 0 else { throw .lastStorageError() }
        var lines: [(key: [UInt8], line: [UInt8])] = []
        for entry in try FolderListing.entries(consuming: copy) {
            let place = path + entry.name.bytes
            guard let (mode, id) = try object(entry.name, in: folder, place: place, gitlinks) else { continue }
            let isFolder = mode == "40000"
            // git sorts a folder as if its name ended in a slash.
            let key = Array(entry.name.bytes) + (isFolder ? [UInt8(ascii: "/")] : [])
            lines.append((key, Array("\(mode) ".utf8) + entry.name.bytes + [0] + id))
        }
        guard !lines.isEmpty else { return nil }
        lines.sort { $0.key.lexicographicallyPrecedes($1.key) }
        return hash("tree", lines.flatMap(\.line))
    }

    private static func object(
        _ name: FileName, in folder: CInt, place: [UInt8], _ gitlinks: [[UInt8]: [UInt8]]
    ) throws(SourceError) -> (mode: String, id: [UInt8])? {
        if let commit = gitlinks[place] { return ("160000", commit) }
        var status = stat()
        guard name.withCString({ fstatat(folder, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 else {
            throw .lastStorageError()
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            let child = name.withCString { openat(folder, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
            guard child >= 0 else { throw .lastStorageError() }
            return try tree(consuming: child, path: place + [UInt8(ascii: "/")], gitlinks).map { ("40000", $0) }
        case S_IFLNK:
            var target = [UInt8](repeating: 0, count: 4096)
            let count = name.withCString { name in
                target.withUnsafeMutableBytes { block in
                    block.baseAddress.map {
                        readlinkat(folder, name, $0.assumingMemoryBound(to: CChar.self), block.count)
                    } ?? -1
                }
            }
            guard count >= 0 else { throw .lastStorageError() }
            return ("120000", hash("blob", Array(target.prefix(count))))
        case S_IFREG:
            let file = name.withCString { openat(folder, $0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
            guard file >= 0 else { throw .lastStorageError() }
            defer { close(file) }
            return (status.st_mode & S_IXUSR == 0 ? "100644" : "100755", try blob(file, Int64(status.st_size)))
        default:
            throw .entryTypeUnknown(path: String(decoding: place, as: UTF8.self))
        }
    }

    private static func blob(_ file: CInt, _ size: Int64) throws(SourceError) -> [UInt8] {
        var hasher = begin("blob", size)
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { block.deallocate() }
        while true {
            let count = read(file, block.baseAddress, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .lastStorageError() }
            guard count > 0 else { return Array(hasher.finalize()) }
            hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: block[..<count]))
        }
    }
}
