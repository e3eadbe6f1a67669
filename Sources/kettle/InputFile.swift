import Foundation

/// A file or pipe that a person named on the command line.
enum InputFile {
    /// Its bytes, at most one more than `limitInBytes`, so that its reader sees that there are too many. Nil where it cannot be
    /// read.
    static func read(_ path: String, limitInBytes: Int) -> [UInt8]? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        var bytes: [UInt8] = []
        while bytes.count <= limitInBytes {
            do {
                // Nil and nothing at the end.
                guard let more = try file.read(upToCount: limitInBytes + 1 - bytes.count), !more.isEmpty else { break }
                bytes += more
            } catch {
                return nil
            }
        }
        return bytes
    }
}
