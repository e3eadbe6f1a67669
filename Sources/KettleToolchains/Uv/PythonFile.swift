import Glibc
import SystemPackage

/// Copies a wheel or sdist to where the build reads it.
enum PythonFile {
    /// - Returns: The digest of what was written.
    static func copy(
        _ file: CInt, _ algorithm: PinnedDigest.Algorithm, to path: FilePath
    ) throws(ToolchainError) -> PinnedDigest {
        let copy = open(path.string, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard copy >= 0, fchmod(copy, 0o644) == 0 else {
            if copy >= 0 { close(copy) }
            throw .storageFailed(reason: String(cString: strerror(errno)))
        }
        defer { close(copy) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var hasher = PinnedHasher(algorithm)
        var offset: off_t = 0
        while true {
            let count = pread(file, buffer.baseAddress, buffer.count, offset)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                guard count == 0, let digest = hasher.finalize() else { break }
                return digest
            }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            guard write(copy, buffer.baseAddress, count) == count else { break }
            offset += off_t(count)
        }
        throw .storageFailed(reason: String(cString: strerror(errno)))
    }
}
