import Foundation
import KettleError

/// What reaches the person at the terminal: results on standard output, everything else on standard error.
enum Terminal {
    static func report(_ error: any UserFacingError) {
        warn("kettle: error: \(error.message)")
        if let hint = error.hint { warn("kettle: hint: \(hint)") }
    }

    static func warn(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}
