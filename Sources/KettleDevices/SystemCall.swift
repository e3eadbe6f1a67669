import Glibc
import SystemPackage

/// The few system calls that device files need, retried when a signal interrupts them.
///
/// They block: call them on a thread that may wait.
enum SystemCall {
    /// Opens a file, runs `body` and closes the file.
    ///
    /// - Throws: What `failure` makes of errno, or what `body` throws.
    static func withFile<Result>(
        _ path: FilePath, _ flags: Int32, failure: (Int32) -> DeviceError,
        _ body: (Int32) throws(DeviceError) -> Result
    ) throws(DeviceError) -> Result {
        let file = retrying { open(path.string, flags | O_CLOEXEC) }
        guard file >= 0 else { throw failure(errno) }
        defer { close(file) }
        return try body(file)
    }

    /// Reads a file to its end, whatever size it claims.
    ///
    /// - Returns: Nil when there are more bytes than the limit.
    static func readToEnd(
        of file: Int32, limitInBytes: Int, failure: (Int32) -> DeviceError
    ) throws(DeviceError) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 32 * 1024)
        while true {
            let count = retrying { chunk.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) } }
            guard count >= 0 else { throw failure(errno) }
            guard count > 0 else { return bytes }
            guard bytes.count + count <= limitInBytes else { return nil }
            bytes += chunk.prefix(count)
        }
    }

    static func retrying<Count: SignedInteger>(_ call: () -> Count) -> Count {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    static func text(of errno: Int32) -> String { Errno(rawValue: errno).description }
}
