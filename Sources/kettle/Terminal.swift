import Glibc
import KettleError
import KettleVerify

/// What reaches the person at the terminal: results on standard output, everything else on standard error.
enum Terminal {
    /// An error may quote what a stranger wrote, so it is made harmless first.
    static func report(_ error: any UserFacingError) {
        warn("kettle: error: \(Finding.printable(error.message))")
        if let hint = error.hint { warn("kettle: hint: \(Finding.printable(hint))") }
    }

    /// What cannot be said is left unsaid: there is nobody to tell it to.
    static func warn(_ line: String) {
        _ = write(line, to: STDERR_FILENO)
    }

    /// A result that cannot be written was not given: the process ends with 2, as where nothing was found out.
    static func say(_ line: String) {
        guard write(line, to: STDOUT_FILENO) else {
            warn("kettle: error: standard output cannot be written")
            exit(2)
        }
    }

    /// Writes a line and its end; false where that is not possible.
    private static func write(_ line: String, to file: Int32) -> Bool {
        let bytes = Array("\(line)\n".utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                // Whoever gave us the file made it one that does not wait.
                var descriptor = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
                poll(&descriptor, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
