import CLinux
import Glibc
import KettleLauncher
import Subprocess
import Synchronization
package import SystemPackage

/// An empty file system of a fixed size, from which each build's workspace is made where Kettle runs as root.
///
/// It bounds what a build can write, files and folders included, at once, and all of it goes away with one unmounting however
/// many files there are. The image has no name on the disk: the loop device alone holds it, and it takes as much of the disk
/// as was written to it. Should the disk have no more, what was written is lost without the writer being told, and reads as
/// zeros: ``check(_:)`` finds that out.
package struct DiskImage: Sendable, Hashable {
    /// A stretch of the image that is not zero.
    private struct Extent: Hashable {
        var offset: Int64
        var bytes: [UInt8]
    }

    /// The size of the file system, in bytes.
    private let bytes: Int
    private let extents: [Extent]

    private static let places = ["/usr/sbin/mke2fs", "/sbin/mke2fs"]

    /// Whether this process may mount one and has what it takes.
    package static var isPossible: Bool {
        geteuid() == 0 && access("/dev/loop-control", W_OK) == 0 && places.contains { access($0, X_OK) == 0 }
    }

    /// Makes the empty file system with e2fsprogs' `mke2fs`, which takes some ten milliseconds.
    ///
    /// - Parameter folder: Where its first form may lie for the moment.
    /// - Throws: ``SandboxError/workspaceFailed(operation:reason:)``.
    package static func format(bytes: Int, files: Int, in folder: FilePath) async throws(SandboxError) -> DiskImage {
        let failure = { (reason: String) in SandboxError.workspaceFailed(operation: "be formatted", reason: reason) }
        guard let program = places.first(where: { access($0, X_OK) == 0 }) else { throw failure("there is no mke2fs") }
        // What the file system itself takes and keeps for itself comes on top.
        let size = (bytes + files * 256 + (32 << 20)) & ~0xFFFF
        let path = folder.appending("image-\(UInt64.random(in: 0 ... .max))")
        let file = open(path.string, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(lastSystemError()) }
        defer {
            close(file)
            unlink(path.string)
        }
        guard ftruncate(file, off_t(size)) == 0 else { throw failure(lastSystemError()) }
        do {
            let ended = try await run(
                .path(FilePath(program)),
                arguments: [
                    "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-N", "\(files + 16)",
                    // What is thrown away needs no journal.
                    "-O", "^has_journal,^resize_inode", "-E", "lazy_itable_init=1,nodiscard,root_owner=0:0",
                    path.string,
                ],
                environment: .custom([Environment.Key: String]()), workingDirectory: "/", output: .discarded,
                error: .discarded)
            guard ended.terminationStatus.isSuccess else { throw failure("mke2fs failed") }
        } catch let error as SandboxError {
            throw error
        } catch {
            throw failure("mke2fs cannot be run")
        }
        guard let extents = read(file) else { throw failure("the image cannot be read") }
        return DiskImage(bytes: size, extents: extents)
    }

    /// `SEEK_DATA` and `SEEK_HOLE` of lseek(2).
    private static let seekData: CInt = 3
    private static let seekHole: CInt = 4

    private static func read(_ file: CInt) -> [Extent]? {
        var extents: [Extent] = []
        var offset: off_t = 0
        while true {
            let start = lseek(file, offset, Self.seekData)
            if start < 0 { return errno == ENXIO ? extents : nil }
            let end = lseek(file, start, Self.seekHole)
            guard end > start, end - start <= 64 << 20 else { return nil }
            var bytes = [UInt8](repeating: 0, count: Int(end - start))
            guard pread(file, &bytes, bytes.count, start) == bytes.count else { return nil }
            extents.append(Extent(offset: Int64(start), bytes: bytes))
            offset = end
        }
    }

    /// Mounts a fresh one at an empty folder, mode 0700. Blocks.
    func mount(at folder: FilePath) throws(SandboxError) {
        let failure = { SandboxError.workspaceFailed(operation: "be mounted", reason: lastSystemError()) }
        let path = folder.string + ".image"
        let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure() }
        defer { close(file) }
        unlink(path)
        guard ftruncate(file, off_t(bytes)) == 0 else { throw failure() }
        for extent in extents {
            guard pwrite(file, extent.bytes, extent.bytes.count, off_t(extent.offset)) == extent.bytes.count else {
                throw failure()
            }
        }
        var name = [CChar](repeating: 0, count: 32)
        let device = linux_attach_loop_device(file, &name, UInt(name.count))
        guard device >= 0 else { throw failure() }
        let flags = UInt(MS_NOSUID | MS_NODEV | MS_NOATIME)
        guard Glibc.mount(name, folder.string, "ext4", flags, "noinit_itable,nobarrier") == 0 else {
            let error = failure()
            close(device)
            throw error
        }
        // The folder that fsck would want.
        rmdir(folder.appending("lost+found").string)
        chmod(folder.string, 0o700)
        let root = open(folder.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        Self.mounted.withLock {
            $0[folder] = Mounted(device: device, root: root, name: String(text.dropFirst("/dev/".count)))
        }
    }

    /// A mounted image. Both descriptors are as old as the mount, so that they are told of every error since.
    private struct Mounted {
        /// Of the loop device, whose pages are the file system's own tables.
        var device: CInt
        var root: CInt
        /// `loop0`
        var name: String
    }

    private static let mounted = Mutex<[FilePath: Mounted]>([:])

    /// Looks whether everything that was written to the image at a folder is there. Blocks.
    ///
    /// The kernel counts data that it could not write, which a build cannot take away from the count.
    ///
    /// - Throws: ``SandboxError/workspaceFailed(operation:reason:)`` when something is lost.
    static func check(_ folder: FilePath) throws(SandboxError) {
        guard let mounted = mounted.withLock({ $0[folder] }) else { return }
        let lost = ["warning_count", "errors_count"].map { name in
            Int(ProcFile.read("/sys/fs/ext4/\(mounted.name)/\(name)").prefix { $0.isNumber })
        }
        // Where the kernel does not show its counts, all is written out to see whether it can be.
        let isWhole = lost.contains(nil) ? linux_sync_file_system(mounted.root) == 0 : lost.allSatisfy { $0 == 0 }
        guard isWhole, fdatasync(mounted.device) == 0 else {
            throw .workspaceFailed(operation: "be written", reason: "the disk below it is full or broken")
        }
    }

    /// `UMOUNT_NOFOLLOW` of umount(2).
    private static let withoutLinks: CInt = 8

    /// Unmounts what is mounted at a folder, if anything is; what it has not written yet is dropped. Blocks.
    static func unmount(from folder: FilePath) {
        if let mounted = mounted.withLock({ $0.removeValue(forKey: folder) }) {
            close(mounted.device)
            close(mounted.root)
        }
        guard geteuid() == 0, linux_abandon_loop_file_system(folder.string) == 0 || errno != EINVAL else { return }
        umount2(folder.string, CInt(MNT_DETACH) | Self.withoutLinks)
    }
}
