import Glibc
import KettleSandbox
import SystemPackage

/// A file or folder of a source.
package struct SourceEntry: Sendable, Hashable {
    package var name: String
    package var isFolder: Bool

    package init(name: String, isFolder: Bool) {
        self.name = name
        self.isFolder = isFolder
    }
}

/// What stands where in a source, unpacked or not.
package protocol SourceView {
    /// Whether there is a regular file with content, with no link on the way to it.
    func hasFile(_ path: String) -> Bool

    /// What stands in a folder, sorted by name.
    ///
    /// - Parameter folder: Relative to the source's root, empty for the root itself.
    /// - Throws: ``ToolchainError/noSuchFolder(_:)``, also where a link is on the way to it.
    func entries(of folder: String) throws(ToolchainError) -> [SourceEntry]
}

/// A source on the disk.
struct UnpackedSource: SourceView {
    let root: FilePath

    func hasFile(_ path: String) -> Bool {
        guard let file = try? openBeneath(root: root, relative: path) else { return false }
        return file.size > 0
    }

    func entries(of folder: String) throws(ToolchainError) -> [SourceEntry] { try entries(of: folder, atMost: .max) }

    /// - Parameter limit: No more than these are read.
    func entries(of folder: String, atMost limit: Int) throws(ToolchainError) -> [SourceEntry] {
        var descriptor = Glibc.open(root.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for part in folder.split(separator: "/") where descriptor >= 0 {
            let next = openat(descriptor, String(part), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            close(descriptor)
            descriptor = next
        }
        guard descriptor >= 0, let stream = fdopendir(descriptor) else { throw .noSuchFolder(folder) }
        defer { closedir(stream) }
        var entries: [SourceEntry] = []
        while entries.count < limit, let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            var status = stat()
            let isFolder =
                fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFDIR
            entries.append(SourceEntry(name: name, isFolder: isFolder))
        }
        return entries.sorted { $0.name < $1.name }
    }
}
