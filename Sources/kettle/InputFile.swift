import Glibc

/// A file or pipe that a person named on the command line.
enum InputFile {
    /// Its bytes, at most one more than `limitInBytes`, so that its reader sees that there are too many. Nil where it cannot be
    /// read.
    static func read(_ path: String, limitInBytes: Int) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= limitInBytes {
            let count = Glibc.read(file, &chunk, min(chunk.count, limitInBytes + 1 - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}
