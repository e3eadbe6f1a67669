import Glibc

/// A file that a person named, read whole.
enum RegularFile {
    enum Failure: Error, Hashable {
        /// There is nothing of this name.
        case missing
        /// With what the system says.
        case unreadable(String)
        /// A folder, a device, a FIFO.
        case notAFile
        case tooLarge
    }

    /// - Parameters:
    ///   - flags: Beside those for reading, such as `O_NOFOLLOW`.
    ///   - check: Looks at the open file before it is read.
    static func read(
        _ path: String, limitInBytes limit: Int, flags: Int32 = 0, check: (stat) throws -> Void = { _ in }
    ) throws -> [UInt8] {
        // O_NONBLOCK: a FIFO under this name must not hang us.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags)
        guard file >= 0 else {
            throw errno == ENOENT ? Failure.missing : Failure.unreadable(String(cString: strerror(errno)))
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw Failure.unreadable(String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure.notAFile }
        try check(status)
        guard status.st_size <= limit else { throw Failure.tooLarge }

        // The size of a file that is being written to changes; one byte more shows that this one does not.
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
        var count = 0
        while true {
            if count == bytes.count {
                guard count <= limit else { throw Failure.tooLarge }
                bytes += [UInt8](repeating: 0, count: min(max(count, 4096), limit + 1 - count))
            }
            let more = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(file, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            if more == 0 { break }
            if more < 0 {
                if errno == EINTR { continue }
                throw Failure.unreadable(String(cString: strerror(errno)))
            }
            count += more
        }
        guard count <= limit else { throw Failure.tooLarge }
        return Array(bytes.prefix(count))
    }
}
