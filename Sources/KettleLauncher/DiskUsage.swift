import Glibc

/// What folders hold that hostile code writes to at the same time.
struct DiskUsage {
    /// What the files take on the disk. A file of several names counts once in all.
    private(set) var bytes = 0
    private(set) var files = 0
    /// A tree that is too deep to look through: nothing that a build needs.
    private(set) var isTooDeep = false

    private static let depth = 256

    /// Files without a name that have been counted.
    private var nameless: Set<UInt> = []

    /// Adds what is below an open folder, relative to it and without following links, until a limit is reached.
    mutating func add(_ folder: CInt, bytesLimit: Int, filesLimit: Int, _ budget: inout LookBudget) {
        guard let top = FolderStream(".".utf8CString.map { $0 }, in: folder) else { return }
        var levels = [top]
        while let folder = levels.last, budget.spend() {
            guard let entry = folder.next() else {
                levels.removeLast()
                continue
            }
            var status = stat()
            guard fstatat(folder.descriptor, entry.name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            files += 1
            bytes += Int(status.st_blocks) * 512 / (isFolder ? 1 : max(1, Int(status.st_nlink)))
            guard files <= filesLimit, bytes < bytesLimit else { return }
            guard isFolder, let next = FolderStream(entry.name, in: folder.descriptor) else { continue }
            guard levels.count < Self.depth else {
                isTooDeep = true
                return
            }
            levels.append(next)
        }
    }

    /// Adds the files that a process has open and that are in no folder, on the file system of an open folder.
    mutating func addNamelessFiles(of process: pid_t, besides folder: CInt, _ budget: inout LookBudget) {
        var workspace = stat()
        guard fstat(folder, &workspace) == 0,
            let open = FolderStream(at: "/proc/\(process)/fd")
        else { return }
        while budget.spend(), let entry = open.next() {
            var status = stat()
            guard fstatat(open.descriptor, entry.name, &status, 0) == 0, status.st_mode & S_IFMT == S_IFREG,
                status.st_nlink == 0, status.st_dev == workspace.st_dev, nameless.insert(UInt(status.st_ino)).inserted
            else { continue }
            bytes += Int(status.st_blocks) * 512
        }
    }
}
