import CArchive
import Glibc
import KettleArchive
import KettleSandbox
import SystemPackage

/// Writes a source into a folder of its own, within limits.
///
/// Archives and git alike go through here, so that the rules about names, links and sizes stand in one place. Each file is
/// created relative to an open folder, never through a link and never over another. Modes are 0644 and 0755 and times are
/// fixed, so that the same source gives the same files whoever packed it and whenever.
final class TreeWriter {
    /// 2006-07-24 01:21:28 UTC, the time that cargo gives the files it packs.
    static let fixedTime = timespec(tv_sec: 1_153_704_088, tv_nsec: 0)

    let limits: SourceLimits
    private let folder: FilePath
    private let root: CInt
    /// The folders that lead to the last entry, each open. Entries mostly come folder by folder.
    private var openFolders: [(name: FileName, descriptor: CInt)] = []
    private(set) var links = SourceLinks()
    private var file: (descriptor: CInt, position: Int64, path: SourcePath)?
    private(set) var entries = 0
    private var leftOut = 0
    private(set) var bytes: Int64 = 0

    /// The size of the archive, where there is one to compare with.
    var archiveBytes: Int64?

    /// Whether nothing was written; what was left out does not count.
    var isEmpty: Bool { entries == leftOut }

    /// Makes the folder, or takes one that is there and empty.
    init(creating folder: FilePath, within limits: SourceLimits) throws(SourceError) {
        if mkdir(folder.string, 0o755) != 0 {
            guard errno == EEXIST, try FolderListing.entries(of: folder).isEmpty else { throw .lastStorageError() }
        }
        root = Glibc.open(folder.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard root >= 0 else { throw .lastStorageError() }
        self.folder = folder
        self.limits = limits
        guard fchmod(root, 0o755) == 0 else { throw .lastStorageError() }
    }

    deinit {
        closeAll()
        close(root)
    }

    // MARK: - Entries

    func addFolder(_ path: SourcePath) throws(SourceError) {
        guard !links.contains(path) else { throw .entryConflict(path: path.text) }
        _ = try open(folders: path.components, for: path)
    }

    /// Begins a file. The file before must have ended.
    func beginFile(_ path: SourcePath, isExecutable: Bool) throws(SourceError) {
        guard !links.contains(path), let name = path.components.last else {
            throw .entryDuplicate(path: path.text)
        }
        let parent = try open(folders: path.components.dropLast(), for: path)
        try countEntry()
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = name.withCString { openat(parent, $0, flags, 0o600) }
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw .lastStorageError() }
            throw Self.isFolder(name, in: parent) ? .entryConflict(path: path.text) : .entryDuplicate(path: path.text)
        }
        file = (descriptor, 0, path)
        // The mode given to openat is cut by the process's umask.
        guard fchmod(descriptor, isExecutable ? 0o755 : 0o644) == 0 else { throw .lastStorageError() }
    }

    /// Writes to the file that was begun last.
    ///
    /// - Parameter offset: Where the bytes belong, at or after the end of those before: what lies between is a hole.
    func write(_ block: UnsafeRawBufferPointer, at offset: Int64) throws(SourceError) {
        guard let current = file else { return }
        guard offset >= current.position else { throw .archive(.malformedArchive) }
        if offset > current.position { try extendFile(to: offset) }
        try write(block)
    }

    /// Writes after what the file has.
    func write(_ block: UnsafeRawBufferPointer) throws(SourceError) {
        guard let current = file else { return }
        try countBytes(Int64(block.count))
        var rest = block
        while !rest.isEmpty {
            let written = Glibc.write(current.descriptor, rest.baseAddress, rest.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw .lastStorageError()
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[min(written, rest.count)...])
        }
        file?.position = current.position + Int64(block.count)
    }

    /// Makes the file longer by a hole, which counts like written bytes.
    func extendFile(to size: Int64) throws(SourceError) {
        guard let current = file, size > current.position else { return }
        try countBytes(size - current.position)
        guard ftruncate(current.descriptor, off_t(size)) == 0,
            Int64(lseek(current.descriptor, off_t(size), SEEK_SET)) == size
        else {
            throw .lastStorageError()
        }
        file?.position = size
    }

    func endFile() throws(SourceError) {
        guard let current = file else { return }
        file = nil
        let times = [Self.fixedTime, Self.fixedTime]
        let stamped = futimens(current.descriptor, times)
        let stampError = errno
        guard close(current.descriptor) == 0 else { throw .lastStorageError() }
        guard stamped == 0 else { throw .storage(errno: stampError) }
    }

    /// Writes a whole file.
    func addFile(_ path: SourcePath, _ content: [UInt8], isExecutable: Bool = false) throws(SourceError) {
        try beginFile(path, isExecutable: isExecutable)
        // The closure of `withUnsafeBytes` cannot say what it throws.
        try content.withUnsafeBytes { bytes in
            Result { () throws(SourceError) in try write(bytes) }
        }.get()
        try endFile()
    }

    /// Writes a file with the content of an earlier one, and with its mode where none is given.
    ///
    /// - Returns: False when there is no such file.
    func addCopy(
        _ path: SourcePath, of original: SourcePath, isExecutable: Bool? = nil
    ) throws(SourceError) -> Bool {
        guard let source = try openFile(original) else { return false }
        defer { close(source) }
        var status = stat()
        guard fstat(source, &status) == 0 else { throw .lastStorageError() }
        guard status.st_mode & S_IFMT == S_IFREG else { return false }
        try beginFile(path, isExecutable: isExecutable ?? (status.st_mode & S_IXUSR != 0))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = read(source, buffer.baseAddress, buffer.count)
            guard count >= 0 else { throw .lastStorageError() }
            guard count > 0 else { break }
            try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        try endFile()
        return true
    }

    /// Takes a link in, to be made when all files are written.
    func addLink(_ path: SourcePath, target: [UInt8]) throws(SourceError) {
        try countEntry()
        // What is kept of it in memory until then counts as if it were on the disk.
        try countBytes(Int64(target.count + path.components.reduce(0) { $0 + $1.bytes.count }))
        try links.checkAbove(path)
        try links.add(path, target: target, within: limits)
    }

    /// Makes the links. Nothing may be added afterwards.
    func finish() throws(SourceError) {
        try links.checkTargets(within: limits)
        for link in links.all {
            let (path, target) = (link.path, link.target)
            guard let name = path.components.last else { continue }
            let parent = try open(folders: path.components.dropLast(), for: path, links: nil)
            let made = FileName(target).withCString { target in name.withCString { symlinkat(target, parent, $0) } }
            guard made != 0 else { continue }
            guard errno == EEXIST else { throw .lastStorageError() }
            throw Self.isFolder(name, in: parent) ? .entryConflict(path: path.text) : .entryDuplicate(path: path.text)
        }
        closeAll()
    }

    /// Removes the folder and everything in it.
    func discard() {
        closeAll()
        Workspace(path: folder, uid: nil).remove()
    }

    // MARK: - Folders

    /// Opens the folders of a path one below the other, and makes those that are missing.
    private func open(
        folders: some Collection<FileName>, for path: SourcePath
    ) throws(SourceError) -> CInt {
        try open(folders: folders, for: path, links: links)
    }

    private func open(
        folders: some Collection<FileName>, for path: SourcePath, links: SourceLinks?
    ) throws(SourceError) -> CInt {
        var same = 0
        for (open, wanted) in zip(openFolders, folders) {
            guard open.name == wanted else { break }
            same += 1
        }
        while openFolders.count > same { close(openFolders.removeLast().descriptor) }
        if same < folders.count { try links?.checkAbove(path) }
        for name in folders.dropFirst(same) {
            let parent = openFolders.last?.descriptor ?? root
            let isNew = name.withCString { mkdirat(parent, $0, 0o755) } == 0
            guard isNew || errno == EEXIST else { throw .lastStorageError() }
            if isNew { try countEntry() }
            let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            let descriptor = name.withCString { openat(parent, $0, flags) }
            guard descriptor >= 0 else {
                if errno == ENOTDIR || errno == ELOOP { throw .entryConflict(path: path.text) }
                throw .lastStorageError()
            }
            openFolders.append((name, descriptor))
            if isNew, fchmod(descriptor, 0o755) != 0 { throw .lastStorageError() }
        }
        return openFolders.last?.descriptor ?? root
    }

    /// Opens an earlier file to read, without following links; nil when there is none.
    private func openFile(_ path: SourcePath) throws(SourceError) -> CInt? {
        var folder = dup(root)
        for (index, name) in path.components.enumerated() {
            guard folder >= 0 else { break }
            let isLast = index == path.components.count - 1
            let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (isLast ? 0 : O_DIRECTORY)
            let next = name.withCString { openat(folder, $0, flags) }
            let error = errno
            close(folder)
            errno = error
            folder = next
        }
        if folder >= 0 { return folder }
        guard errno == ENOENT || errno == ENOTDIR || errno == ELOOP else { throw .lastStorageError() }
        return nil
    }

    private static func isFolder(_ name: FileName, in parent: CInt) -> Bool {
        var status = stat()
        return name.withCString { fstatat(parent, $0, &status, AT_SYMLINK_NOFOLLOW) } == 0
            && status.st_mode & S_IFMT == S_IFDIR
    }

    private func closeAll() {
        if let file { close(file.descriptor) }
        file = nil
        for folder in openFolders { close(folder.descriptor) }
        openFolders = []
    }

    // MARK: - Limits

    /// Counts an entry that is not written, so that passing over entries is bounded too.
    func leaveOut(bytes: Int64) throws(SourceError) {
        leftOut += 1
        try countEntry()
        try countBytes(bytes)
    }

    private func countEntry() throws(SourceError) {
        entries += 1
        guard entries <= limits.entries else { throw .tooManyEntries(limit: limits.entries) }
    }

    /// Counts unpacked bytes, before they are written.
    private func countBytes(_ count: Int64) throws(SourceError) {
        let (sum, overflow) = bytes.addingReportingOverflow(count)
        guard !overflow, count >= 0, sum <= limits.bytes else { throw .tooLarge(limitInBytes: limits.bytes) }
        bytes = sum
        guard let archiveBytes, sum > limits.ratioFloorBytes else { return }
        let (allowed, isUnbounded) = archiveBytes.multipliedReportingOverflow(by: limits.ratio)
        guard isUnbounded || sum <= allowed else { throw .ratioExceeded(limit: limits.ratio) }
    }
}

extension SourceError {
    /// The failure that the last system call on this thread reported.
    static func lastStorageError() -> SourceError {
        errno == ENOSPC || errno == EDQUOT ? .diskFull : .storage(errno: errno)
    }
}
