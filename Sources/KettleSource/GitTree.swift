import CArchive
import Crypto
import Glibc
import KettleProvenance
package import SystemPackage

/// git's names for a tree: the same files have one in each of git's object formats.
package struct GitTreeID: Sendable, Hashable {
    /// 40 hexadecimal digits.
    package var sha1: String
    /// 64 hexadecimal digits; nil where a submodule stands for a commit, which has a name in one format only.
    package var sha256: String?
    /// The tree's one folder, where it holds nothing else.
    package var onlyFolder: Folder?

    /// A folder directly below, as forges put it around everything in their archives.
    package struct Folder: Sendable, Hashable {
        package var name: String
        package var sha1: String
        package var sha256: String
    }
}

/// git's names for a folder as it stands: the SHA-1 and the SHA-256 of its tree object (gitrepository-layout and
/// hash-function-transition; the object is `<type> <size>` NUL content, a tree's content is `<mode> <name>` NUL and the 20 or
/// 32 bytes of the name for each entry).
///
/// Modes are 100644, 100755, 120000 and 40000; a folder without files is no entry, as in git. Every file is read once.
package enum GitTree {
    /// Blocks while the files are read.
    ///
    /// - Parameters:
    ///   - gitlinks: Folders that are submodules, by path below `folder`, and the ids of the commits they stand for.
    ///     Paths are bytes: to Swift two names are equal that differ in how an accent is encoded.
    ///   - leftOut: Names directly below `folder` that are no part of the tree.
    /// - Throws: ``SourceError`` when a file cannot be read.
    package static func identify(
        _ folder: FilePath, gitlinks: [[UInt8]: [UInt8]] = [:], without leftOut: [String] = []
    ) throws(SourceError) -> GitTreeID {
        let descriptor = open(folder.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .lastStorageError() }
        let reading = GitTreeReading(gitlinks: gitlinks, leftOut: Set(leftOut.map { Array($0.utf8) }))
        let names = try reading.tree(consuming: descriptor, path: []) ?? GitObjectHasher.tree([], [])
        var id = GitTreeID(sha1: names.sha1.hexadecimal)
        guard gitlinks.isEmpty else { return id }
        id.sha256 = names.sha256.hexadecimal
        id.onlyFolder = reading.onlyFolder
        return id
    }

    /// The SHA-1 of an object that is being read.
    static func begin(_ type: String, _ size: Int64) -> Insecure.SHA1 {
        var hasher = Insecure.SHA1()
        hasher.update(data: Array("\(type) \(size)\0".utf8))
        return hasher
    }
}

/// Both names of one object.
private struct GitObjectHasher {
    private var sha1 = Insecure.SHA1()
    private var sha256 = SHA256()

    init(_ type: String, _ size: Int64) {
        let header = Array("\(type) \(size)\0".utf8)
        sha1.update(data: header)
        sha256.update(data: header)
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        sha1.update(bufferPointer: bytes)
        sha256.update(bufferPointer: bytes)
    }

    func finalize() -> GitObjectNames { GitObjectNames(sha1: Array(sha1.finalize()), sha256: Array(sha256.finalize())) }

    /// A tree has other content in each format.
    static func tree(_ sha1: [UInt8], _ sha256: [UInt8]) -> GitObjectNames {
        var (short, long) = (Insecure.SHA1(), SHA256())
        short.update(data: Array("tree \(sha1.count)\0".utf8) + sha1)
        long.update(data: Array("tree \(sha256.count)\0".utf8) + sha256)
        return GitObjectNames(sha1: Array(short.finalize()), sha256: Array(long.finalize()))
    }
}

private struct GitObjectNames {
    var sha1: [UInt8]
    var sha256: [UInt8]
}

/// One walk through a folder. A class for the one buffer of all its files.
private final class GitTreeReading {
    private let gitlinks: [[UInt8]: [UInt8]]
    private let leftOut: Set<[UInt8]>
    private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    private(set) var onlyFolder: GitTreeID.Folder?

    init(gitlinks: [[UInt8]: [UInt8]], leftOut: Set<[UInt8]>) {
        self.gitlinks = gitlinks
        self.leftOut = leftOut
    }

    deinit { block.deallocate() }

    /// nil for a folder without files.
    func tree(consuming folder: CInt, path: [UInt8]) throws(SourceError) -> GitObjectNames? {
        defer { close(folder) }
        let copy = dup(folder)
        guard copy >= 0 else { throw .lastStorageError() }
        var entries: [(key: [UInt8], head: [UInt8], names: GitObjectNames)] = []
        for entry in try FolderListing.entries(consuming: copy) {
            if path.isEmpty, leftOut.contains(Array(entry.name.bytes)) { continue }
            guard let (mode, names) = try object(entry.name, in: folder, place: path + entry.name.bytes) else {
                continue
            }
            // git sorts a folder as if its name ended in a slash.
            let key = Array(entry.name.bytes) + (mode == "40000" ? [UInt8(ascii: "/")] : [])
            entries.append((key, Array("\(mode) ".utf8) + entry.name.bytes + [0], names))
        }
        guard !entries.isEmpty else { return nil }
        if path.isEmpty, entries.count == 1, entries[0].key.last == UInt8(ascii: "/"),
            let name = String(validating: entries[0].key.dropLast(), as: UTF8.self)
        {
            let names = entries[0].names
            onlyFolder = .init(name: name, sha1: names.sha1.hexadecimal, sha256: names.sha256.hexadecimal)
        }
        entries.sort { $0.key.lexicographicallyPrecedes($1.key) }
        return GitObjectHasher.tree(
            entries.flatMap { $0.head + $0.names.sha1 }, entries.flatMap { $0.head + $0.names.sha256 })
    }

    private func object(
        _ name: FileName, in folder: CInt, place: [UInt8]
    ) throws(SourceError) -> (mode: String, names: GitObjectNames)? {
        if let commit = gitlinks[place] { return ("160000", GitObjectNames(sha1: commit, sha256: commit)) }
        var status = stat()
        guard name.withCString({ fstatat(folder, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 else {
            throw .lastStorageError()
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            let child = name.withCString { openat(folder, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
            guard child >= 0 else { throw .lastStorageError() }
            return try tree(consuming: child, path: place + [UInt8(ascii: "/")]).map { ("40000", $0) }
        case S_IFLNK: return ("120000", try link(name, in: folder))
        case S_IFREG:
            let file = name.withCString { openat(folder, $0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
            guard file >= 0 else { throw .lastStorageError() }
            defer { close(file) }
            return (status.st_mode & S_IXUSR == 0 ? "100644" : "100755", try blob(file, Int64(status.st_size)))
        default:
            throw .entryTypeUnknown(path: String(decoding: place, as: UTF8.self))
        }
    }

    private func link(_ name: FileName, in folder: CInt) throws(SourceError) -> GitObjectNames {
        var target = [UInt8](repeating: 0, count: 4096)
        let count = name.withCString { name in
            target.withUnsafeMutableBytes { block in
                block.baseAddress.map {
                    readlinkat(folder, name, $0.assumingMemoryBound(to: CChar.self), block.count)
                } ?? -1
            }
        }
        guard count >= 0 else { throw .lastStorageError() }
        var hasher = GitObjectHasher("blob", Int64(count))
        target.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        return hasher.finalize()
    }

    private func blob(_ file: CInt, _ size: Int64) throws(SourceError) -> GitObjectNames {
        var hasher = GitObjectHasher("blob", size)
        while true {
            let count = read(file, block.baseAddress, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .lastStorageError() }
            guard count > 0 else { return hasher.finalize() }
            hasher.update(UnsafeRawBufferPointer(rebasing: block[..<count]))
        }
    }
}
