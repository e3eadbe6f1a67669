import CFuzzer
import Glibc
import KettleSource
import SystemPackage

/// What stands in a folder after an archive was unpacked into it.
struct UnpackedTree {
    private let root: FilePath
    private let descriptor: CInt
    private var entries = 0
    private var bytes: Int64 = 0

    init(_ root: FilePath) {
        self.root = root
        descriptor = open(root.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        expect(descriptor >= 0, "a folder after success")
    }

    mutating func checkRules(archiveBytes: Int) {
        check(folder: "")
        close(descriptor)
        let limits = FuzzArchive.limits
        expect(1...limits.entries ~= entries, "some entries, and no more than allowed: \(entries)")
        let allowed = min(limits.bytes, max(limits.ratioFloorBytes, limits.ratio * Int64(archiveBytes)))
        expect(bytes <= allowed, "no more bytes than allowed: \(bytes)")
    }

    /// - Parameter folder: Relative to the root, as everything here is.
    private mutating func check(folder: FilePath) {
        let limits = FuzzArchive.limits
        for name in names(in: root.pushing(folder)) {
            let path = folder.appending(name)
            entries += 1
            expect(name.string.lowercased() != ".git", "nothing called .git: \(path)")
            expect(path.components.count <= limits.depth, "no entry too deep: \(path)")
            expect(name.withPlatformString { strlen($0) } <= limits.nameBytes, "no name too long: \(path)")
            expect(path.length <= limits.pathBytes, "no path too long: \(path)")
            check(path)
        }
    }

    private mutating func check(_ path: FilePath) {
        var status = stat()
        let isThere = path.withPlatformString { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) } == 0
        expect(isThere, "an entry to be there: \(path)")
        let mode = status.st_mode & 0o7777
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            expect(mode == 0o755, "a folder's mode: \(path)")
            check(folder: path)
        case S_IFREG:
            expect(mode == 0o644 || mode == 0o755, "a file's mode: \(path)")
            expect(status.st_nlink == 1, "a file of its own: \(path)")
            bytes += Int64(status.st_size)
        case S_IFLNK: checkLink(path)
        default: fatalError("expected a file, a folder or a link: \(path)")
        }
    }

    /// The kernel follows the link and says whether it leaves the tree on its way.
    private func checkLink(_ path: FilePath) {
        var buffer = [CChar](repeating: 0, count: FuzzArchive.limits.linkBytes + 1)
        let length = path.withPlatformString { readlinkat(descriptor, $0, &buffer, buffer.count) }
        expect(1...FuzzArchive.limits.linkBytes ~= length, "a target of an allowed length: \(path)")
        let target = path.withPlatformString { fuzz_open_beneath(descriptor, $0) }
        guard target < 0 else {
            close(target)
            return
        }
        expect([ENOENT, ENOTDIR, ELOOP].contains(errno), "a link that stays inside: \(path), errno \(errno)")
    }
}

/// The names in a folder.
func names(in folder: FilePath) -> [FilePath.Component] {
    guard let stream = folder.withPlatformString({ opendir($0) }) else { fatalError("expected to list \(folder)") }
    defer { closedir(stream) }
    var names: [FilePath.Component] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                $0.baseAddress.flatMap { FilePath.Component(platformString: $0) }
            }
        }
        if let name, name.kind == .regular { names.append(name) }
    }
    return names
}
