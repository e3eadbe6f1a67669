import Foundation
import Glibc
import KettleError

/// A file that a command was told to write: whole, or as it was before.
enum OutputFile {
    /// - Throws: ``OutputError``.
    static func write(_ bytes: [UInt8], to path: String) throws(OutputError) {
        do {
            try Data(bytes).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw .unwritable(path)
        }
    }
}

/// The path is the caller's own word.
enum OutputError: UserFacingError, Equatable {
    case unwritable(String)

    var code: String { "output.unwritable" }
    var message: String {
        switch self {
        case .unwritable(let path): "\(Self.shown(path)) cannot be written"
        }
    }
    var hint: String? { nil }
}
