import Foundation
package import SystemPackage

/// A folder below the system's temporary one that goes away, with everything in it, when its last holder does.
package final class ScratchFolder: Sendable {
    package let path: FilePath

    package init() throws {
        path = FilePath(FileManager.default.temporaryDirectory.path(percentEncoded: false))
            .appending("kettle-test-\(UUID().uuidString.lowercased())")
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path.string)
    }

    /// Writes one file directly in the folder, and returns its path.
    package func write(_ bytes: [UInt8], to name: String) throws -> FilePath {
        let file = path.appending(FilePath(name).components)
        try Data(bytes).write(to: URL(filePath: file.string))
        return file
    }

    /// Writes files below the folder, making the folders that they need.
    ///
    /// - Parameter files: Contents by relative path.
    /// - Returns: The folder `name`, in which the files stand.
    @discardableResult
    package func write(_ files: [String: String], to name: String) throws -> FilePath {
        let folder = path.appending(FilePath(name).components)
        for (relative, text) in files {
            let file = folder.appending(FilePath(relative).components)
            try FileManager.default.createDirectory(
                atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: file.string))
        }
        return folder
    }
}
