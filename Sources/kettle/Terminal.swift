import Glibc
import KettleError
import KettleVerify

/// What reaches the person at the terminal: results on standard output, everything else on standard error.
enum Terminal {
    /// An error may quote what a stranger wrote, so it is made harmless first.
    static func report(_ error: any UserFacingError) { report(error.message, hint: error.hint) }

    /// The same of an error that is a stranger's words.
    static func report(_ message: String, hint: String?) {
        let style = TerminalStyle.errors
        warn("kettle: \(style.painted("error:", .bad)) \(Finding.printable(message))")
        if let hint { warn("kettle: \(style.painted("hint:", .quiet)) \(Finding.printable(hint))") }
    }

    /// What checks found, and what comes of it.
    static func say(_ findings: [String], _ outcome: Verdict.Outcome, _ place: String) {
        for finding in findings { say(painted(finding)) }
        let colour: TerminalStyle.Colour =
            switch outcome {
            case .accepted: .good
            case .rejected: .bad
            case .undetermined: .doubt
            }
        say("\(TerminalStyle.output.painted(outcome.rawValue, colour)): \(Finding.printable(place))")
    }

    /// A finding's mark, in the colour of what it says.
    private static func painted(_ finding: String) -> String {
        let colours: [String: TerminalStyle.Colour] = ["ok": .good, "FAIL": .bad, "?": .doubt, "-": .quiet]
        let mark = String(finding.prefix { $0 != " " })
        guard let colour = colours[mark] else { return finding }
        return TerminalStyle.output.painted(mark, colour) + finding.dropFirst(mark.count)
    }

    /// What cannot be said is left unsaid: there is nobody to tell it to.
    static func warn(_ line: String) {
        _ = write(TerminalStyle.errors.shown(line) + "\n", to: STDERR_FILENO)
    }

    /// The same without an end of line.
    static func write(_ text: String) {
        _ = write(text, to: STDERR_FILENO)
    }

    /// A result that cannot be written was not given: the process ends with 2, as where nothing was found out.
    static func say(_ line: String) {
        guard write(TerminalStyle.output.shown(line) + "\n", to: STDOUT_FILENO) else {
            warn("kettle: error: standard output cannot be written")
            ScratchFolder.removeAll()
            exit(2)
        }
    }

    /// Writes all of a text; false where that is not possible.
    private static func write(_ text: String, to file: Int32) -> Bool {
        let bytes = Array(text.utf8)
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
