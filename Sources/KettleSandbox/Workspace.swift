import Glibc
import KettleLauncher
package import SystemPackage

/// The folder of one build: its source, what it makes, what it fetches.
///
/// Named by ``Sandbox/workspace(at:)``. Whoever made it removes it, when no command runs in it any more.
package struct Workspace: Sendable, Hashable {
    package let path: FilePath

    /// The user that commands run as, also the number of its group; nil when they run as Kettle's own.
    package let uid: UInt32?

    /// The file system that it is; nil for a folder like any other.
    package let disk: DiskImage?

    package init(path: FilePath, uid: UInt32?, disk: DiskImage? = nil) {
        self.path = path
        self.uid = uid
        self.disk = disk
    }

    /// Where an upload may lie until it is unpacked: beside the workspace, so that it is none of the build's business.
    package var upload: FilePath { FilePath(path.string + ".upload") }

    /// Makes the folder itself. It stays Kettle's, closed to everybody else; what the build may write is handed over folder
    /// by folder.
    package func make() throws(SandboxError) {
        guard mkdir(path.string, 0o700) == 0 else {
            throw .workspaceFailed(operation: "be made", reason: lastSystemError())
        }
        do {
            try disk?.mount(at: path)
        } catch {
            rmdir(path.string)
            throw error
        }
    }

    /// Makes an empty folder that commands may write.
    package func makeFolder(_ name: String) throws(SandboxError) -> FilePath {
        guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else { throw .invalidPath(name) }
        let folder = path.appending(name)
        guard mkdir(folder.string, 0o700) == 0 else {
            throw .workspaceFailed(operation: "take a folder", reason: lastSystemError())
        }
        try handOver(folder)
        return folder
    }

    /// Gives a folder in the workspace, and everything below it, to the user that commands run as.
    ///
    /// Links are given, not followed. Does nothing when commands run as Kettle's own user. Only for what Kettle itself has
    /// written: a hard link that a command made would be given away with its file.
    package func handOver(_ subfolder: FilePath) throws(SandboxError) {
        guard let uid else { return }
        var relative = subfolder
        guard relative.removePrefix(path), !relative.isEmpty else {
            throw .workspaceFailed(operation: "hand over a folder", reason: "it lies elsewhere")
        }
        try Self.giveContents(of: subfolder, to: uid)
        guard lchown(subfolder.string, uid, uid) == 0 else {
            throw .workspaceFailed(operation: "hand over a folder", reason: lastSystemError())
        }
    }

    private static func giveContents(of folder: FilePath, to uid: UInt32) throws(SandboxError) {
        let failure = { SandboxError.workspaceFailed(operation: "hand over a folder", reason: lastSystemError()) }
        guard let first = FolderStream(at: folder.string) else { throw failure() }
        var levels = [first]
        while let folder = levels.last {
            guard let entry = folder.next() else {
                if folder.failed { throw failure() }
                levels.removeLast()
                continue
            }
            guard fchownat(folder.descriptor, entry.name, uid, uid, AT_SYMLINK_NOFOLLOW) == 0 else { throw failure() }
            if entry.isFolder {
                guard let next = FolderStream(entry.name, in: folder.descriptor) else { throw failure() }
                levels.append(next)
            }
        }
    }

    /// Looks whether everything that was written here is still what was written. Blocks.
    ///
    /// - Throws: ``SandboxError/workspaceFailed(operation:reason:)`` when the disk had no room for it.
    package func checkWritten() throws(SandboxError) {
        if disk != nil { try DiskImage.check(path) }
    }

    /// Removes the workspace and everything in it, however deep and whatever its modes.
    ///
    /// - Returns: Whether nothing is left.
    @discardableResult
    package func remove() -> Bool {
        unlink(upload.string)
        DiskImage.unmount(from: path)
        return TreeRemoval.remove(path)
    }
}
