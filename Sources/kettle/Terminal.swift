import Foundation
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
        try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
    }

    /// A result that cannot be written was not given: the process ends with 2, as where nothing was found out.
    static func say(_ line: String) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
        } catch {
            warn("kettle: error: standard output cannot be written")
            exit(2)
        }
    }
}
