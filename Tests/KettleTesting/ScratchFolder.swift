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
