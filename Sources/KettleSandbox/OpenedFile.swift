import Glibc
import KettleLauncher
package import SystemPackage

/// A regular file that is open for reading, closed when it goes out of scope.
package struct OpenedFile: ~Copyable {
    package let descriptor: CInt

    /// Size in bytes when it was opened.
    package let size: Int64

    deinit { close(descriptor) }
}

/// Opens a file that a build has left below a folder, believing nothing about it.
///
/// Each component of the path is opened by itself and none may be a symbolic link, so the file lies below `root`; a
/// pipe, device or socket is neither waited for nor opened for good.
///
/// - Parameters:
///   - root: A folder that the build could not replace.
///   - relative: Components separated by `/`, none of them empty, `.` or `..`.
package func openBeneath(root: FilePath, relative: String) throws(SandboxError) -> OpenedFile {
    let components = relative.split(separator: "/", omittingEmptySubsequences: false)
    guard !relative.utf8.contains(0), components.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
        throw .invalidPath(relative)
    }
    var folder = open(root.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw .fileUnavailable(relative, reason: lastSystemError()) }
    for component in components.dropLast() {
        let next = openat(folder, String(component), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        let reason = lastSystemError()
        close(folder)
        guard next >= 0 else { throw .fileUnavailable(relative, reason: reason) }
        folder = next
    }
    let file = openat(
        folder, String(components[components.count - 1]), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    let error = errno
    close(folder)
    guard file >= 0 else {
        // What O_NOFOLLOW answers for a link, and open(2) for a socket or a device without a driver.
        if error == ELOOP || error == ENXIO { throw .notRegularFile(relative) }
        throw .fileUnavailable(relative, reason: String(cString: strerror(error)))
    }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        close(file)
        throw .notRegularFile(relative)
    }
    return OpenedFile(descriptor: file, size: Int64(status.st_size))
}
