import Glibc
import KettleProvenance
import SystemPackage

/// The files of a folder that Kettle wrote and no build has touched.
enum PlainFiles {
    private static let limit = 200_000

    /// Relative paths in no order, without the folders for which `isLeftOut` says so.
    ///
    /// - Parameter skipsLinks: Whether links are passed over; else they are refused.
    /// - Throws: ``ToolchainError/unreadableFile(name:reason:)`` for what is neither file nor folder.
    static func list(
        _ root: FilePath, skipsLinks: Bool, isLeftOut: (_ folder: String, _ name: String) -> Bool = { _, _ in false }
    ) throws(ToolchainError) -> [String] {
        var files: [String] = []
        var pending = [""]
        while let folder = pending.popLast() {
            guard let stream = opendir(root.appending(FilePath(folder).components).string) else {
                throw .unreadableFile(name: folder, reason: "the folder cannot be listed")
            }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
                guard let name = String(validating: bytes, as: UTF8.self), !name.contains("\n") else {
                    throw .unreadableFile(name: folder, reason: "it holds a name that is not plain text")
                }
                guard name != ".", name != ".." else { continue }
                let path = folder.isEmpty ? name : "\(folder)/\(name)"
                var status = stat()
                guard fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                    throw .unreadableFile(name: path, reason: "it goes away while it is read")
                }
                switch status.st_mode & S_IFMT {
                case S_IFREG: files.append(path)
                case S_IFDIR: if !isLeftOut(folder, name) { pending.append(path) }
                case S_IFLNK where skipsLinks: break
                default: throw .unreadableFile(name: path, reason: "it is not a plain file")
                }
                guard files.count + pending.count <= limit else {
                    throw .unreadableFile(name: folder, reason: "there are more than \(limit) files")
                }
            }
        }
        return files
    }

    /// The digest of a file.
    static func digest(_ path: String, in root: FilePath) throws(ToolchainError) -> ContentDigest {
        let file = open(root.appending(FilePath(path).components).string, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw .unreadableFile(name: path, reason: "it cannot be opened") }
        defer { close(file) }
        guard let digest = try? ContentDigest.ofFile(descriptor: file) else {
            throw .unreadableFile(name: path, reason: "it cannot be read")
        }
        return digest
    }
}
