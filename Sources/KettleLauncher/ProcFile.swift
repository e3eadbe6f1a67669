import Glibc

/// Small files that the kernel makes up, in `/proc` and among control groups.
package enum ProcFile {
    private static let limitInBytes = 4 << 20

    /// The text of a file; empty when it cannot be read.
    package static func read(_ path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        return read(file)
    }

    /// The text of an open file from its beginning; empty when it cannot be read.
    package static func read(_ file: CInt) -> String {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4096)
        while bytes.count < limitInBytes {
            let count = pread(file, &block, block.count, off_t(bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += block[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a value in one call, as these files want it.
    ///
    /// - Returns: Whether the kernel took it; `errno` says why not.
    package static func write(_ text: String, to path: String) -> Bool {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        let bytes = Array(text.utf8)
        let written = Glibc.write(file, bytes, bytes.count)
        let error = errno
        close(file)
        errno = error
        return written == bytes.count
    }
}
