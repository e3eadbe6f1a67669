import Glibc
import KettleLauncher
package import SystemPackage

/// Removes a tree that hostile code has written.
///
/// Relative to open folders, never through a link, and without recursion. Folders that are closed to their owner are opened
/// up first. No more than 64 levels are open at a time: what lies deeper is moved up beside the tree's first entries and
/// takes its turn there, so that a tree of any depth needs neither descriptors nor path lengths in proportion.
package struct TreeRemoval {
    private static let openLevels = 64

    private var levels: [(folder: FolderStream, name: [CChar])] = []
    private var movedUp = 0
    private var failed = false

    /// - Returns: Whether nothing is left. No process may work in the tree any more.
    package static func remove(_ path: FilePath) -> Bool {
        guard let last = path.lastComponent else { return false }
        let above = path.removingLastComponent()
        let parent = open(above.isEmpty ? "." : above.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { return errno == ENOENT }
        defer { close(parent) }
        let name = last.string.utf8CString.map { $0 }
        var status = stat()
        guard fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return errno == ENOENT }
        guard status.st_mode & S_IFMT == S_IFDIR else { return unlinkat(parent, name, 0) == 0 }
        var removal = TreeRemoval()
        removal.enter(name, in: parent)
        removal.empty()
        return !removal.failed && unlinkat(parent, name, AT_REMOVEDIR) == 0
    }

    /// Empties the first level, which stays open to the end, and every level below it.
    private mutating func empty() {
        while let (folder, _) = levels.last {
            guard let entry = folder.next() else {
                leave()
                continue
            }
            if !entry.isFolder {
                unlink(entry.name, in: folder)
            } else if levels.count < Self.openLevels {
                enter(entry.name, in: folder.descriptor)
            } else {
                moveUp(entry.name, from: folder)
            }
        }
    }

    private mutating func enter(_ name: [CChar], in parent: CInt) {
        if let folder = FolderStream(name, in: parent) {
            levels.append((folder, name))
            return
        }
        guard errno == EACCES else {
            failed = true
            return
        }
        // The folder above may be one that lets its entries be seen but not reached. The first one's is not the build's.
        if !levels.isEmpty { fchmod(parent, 0o700) }
        // chmod follows links, but the caller has seen that this is a folder and nobody is left to exchange it.
        guard fchmodat(parent, name, 0o700, 0) == 0, let folder = FolderStream(name, in: parent) else {
            failed = true
            return
        }
        levels.append((folder, name))
    }

    private mutating func leave() {
        guard let (folder, name) = levels.last else { return }
        failed = failed || folder.failed
        if levels.count == 1, movedUp > 0 {
            movedUp = 0
            folder.rewind()
            return
        }
        levels.removeLast()
        guard let above = levels.last else { return }
        unlink(name, in: above.folder, AT_REMOVEDIR)
    }

    private mutating func unlink(_ name: [CChar], in folder: FolderStream, _ flags: CInt = 0) {
        if unlinkat(folder.descriptor, name, flags) == 0 { return }
        let isClosed = errno == EACCES && fchmod(folder.descriptor, 0o700) == 0
        if !isClosed || unlinkat(folder.descriptor, name, flags) != 0 { failed = true }
    }

    private mutating func moveUp(_ name: [CChar], from folder: FolderStream) {
        guard let top = levels.first?.folder else { return }
        let newName = "\(UInt64.random(in: .min ... .max))"
        if renameat(folder.descriptor, name, top.descriptor, newName) == 0 {
            movedUp += 1
            return
        }
        // Moving a folder changes its entry for the one above, so both must be writable.
        guard errno == EACCES, fchmod(folder.descriptor, 0o700) == 0, fchmodat(folder.descriptor, name, 0o700, 0) == 0,
            fchmod(top.descriptor, 0o700) == 0,
            renameat(folder.descriptor, name, top.descriptor, newName) == 0
        else {
            failed = true
            return
        }
        movedUp += 1
    }
}
