import Glibc
import SystemPackage

/// A folder of a toolchain that takes part in builds as a whole.
struct ToolTree: Sendable, Hashable {
    private static let fileLimit = 200_000

    /// What the statement calls it: `rust-toolchain`.
    var name: String
    var root: FilePath
    /// Relative to the root, in any order. Links count as the file that they lead to.
    var files: [String]
    /// What it says of itself, where it is one program and not a whole toolchain.
    var version: String?

    /// All files of a folder and of the folders in it.
    ///
    /// - Parameters:
    ///   - folder: Relative to the root, empty for the root itself.
    ///   - names: Folders right in it that do not matter, such as documentation.
    static func files(
        of root: FilePath, in folder: String = "", leavingOut names: Set<String> = []
    ) throws(ToolchainError) -> [String] {
        let top = try list(root, folder)
        var files = top.files
        var pending = top.folders.filter { !names.contains(FilePath($0).lastComponent?.string ?? "") }
        while let folder = pending.popLast() {
            let entries = try list(root, folder)
            files += entries.files
            pending += entries.folders
            guard files.count < fileLimit else {
                throw .toolchainMissing(
                    tool: root.lastComponent?.string ?? "the toolchain", reason: "it has too many files")
            }
        }
        return files
    }

    /// What stands in a folder, as paths relative to the root; nothing where there is none. Links to folders are left out: they could
    /// lead round in circles.
    static func list(
        _ root: FilePath, _ folder: String
    ) throws(ToolchainError) -> (files: [String], folders: [String]) {
        guard let stream = opendir(root.appending(FilePath(folder).components).string) else {
            if errno == ENOENT { return ([], []) }
            throw .toolchainMissing(
                tool: root.lastComponent?.string ?? "the toolchain", reason: "\(folder) cannot be listed")
        }
        defer { closedir(stream) }
        var (files, folders): ([String], [String]) = ([], [])
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            // By the open folder: a toolchain has ten thousands of files, and their paths would be put together for each.
            var status = stat()
            guard fstatat(dirfd(stream), name, &status, 0) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFREG: files.append(path)
            case S_IFDIR:
                // A link to a folder could lead round in circles.
                var link = stat()
                let isLink =
                    fstatat(dirfd(stream), name, &link, AT_SYMLINK_NOFOLLOW) == 0
                    && link.st_mode & S_IFMT == S_IFLNK
                if !isLink { folders.append(path) }
            default: break
            }
        }
        return (files, folders)
    }
}
