import Glibc
import KettleSandbox
package import SystemPackage

/// A project in a source, and the toolchain that builds it.
package struct DetectedProject: Sendable {
    package var toolchain: any Toolchain

    /// Its folder relative to the source's root, empty for the root itself.
    package var project: String
}

/// Finds the project in a source.
///
/// The folder that the request names, or else the source's root, or else the root's only folder where the root itself holds
/// no project, as in the archives that forges make. The first toolchain that finds its project file there builds it.
package struct Detection {
    private static let foundFilesLimit = 50

    /// - Parameters:
    ///   - root: The source's root, which no build has touched yet.
    ///   - path: The folder that the request names, relative to the root.
    /// - Throws: ``ToolchainError/unsupported(supported:foundFiles:)`` or ``ToolchainError/noSuchFolder(_:)``.
    package static func detect(
        in root: FilePath, path: String?, toolchains: [any Toolchain]
    ) throws(ToolchainError) -> DetectedProject {
        if let path, !path.isEmpty, path != "." {
            let relative = try normalise(path)
            let folder = try open(relative, in: root)
            if let toolchain = toolchains.first(where: { hasFile($0.projectFileName, in: root, relative) }) {
                return DetectedProject(toolchain: toolchain, project: relative)
            }
            throw unsupported(folder, toolchains)
        }
        if let toolchain = toolchains.first(where: { hasFile($0.projectFileName, in: root, "") }) {
            return DetectedProject(toolchain: toolchain, project: "")
        }
        let entries = try open("", in: root)
        let folders = entries.filter(\.isFolder)
        if folders.count == 1, let only = folders.first?.name {
            if let toolchain = toolchains.first(where: { hasFile($0.projectFileName, in: root, only) }) {
                return DetectedProject(toolchain: toolchain, project: only)
            }
        }
        throw unsupported(entries, toolchains)
    }

    /// Takes `./a/b/` as `a/b`, as people type paths; everything else must be plain.
    private static func normalise(_ path: String) throws(ToolchainError) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).filter { $0 != "." }
        guard !path.hasPrefix("/"), !parts.isEmpty, !parts.contains(".."), !path.utf8.contains(0) else {
            throw .noSuchFolder(path)
        }
        return parts.joined(separator: "/")
    }

    private static func hasFile(_ name: String, in root: FilePath, _ folder: String) -> Bool {
        guard let file = try? openBeneath(root: root, relative: folder.isEmpty ? name : "\(folder)/\(name)") else {
            return false
        }
        return file.size > 0
    }

    private struct Entry {
        var name: String
        var isFolder: Bool
    }

    /// What stands in a folder, sorted by name. No link is followed on the way to it.
    private static func open(_ relative: String, in root: FilePath) throws(ToolchainError) -> [Entry] {
        var descriptor = Glibc.open(root.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for part in relative.split(separator: "/") where descriptor >= 0 {
            let next = openat(descriptor, String(part), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            close(descriptor)
            descriptor = next
        }
        guard descriptor >= 0, let stream = fdopendir(descriptor) else { throw .noSuchFolder(relative) }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            var status = stat()
            let isFolder =
                fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFDIR
            entries.append(Entry(name: name, isFolder: isFolder))
        }
        return entries.sorted { $0.name < $1.name }
    }

    private static func unsupported(_ entries: [Entry], _ toolchains: [any Toolchain]) -> ToolchainError {
        .unsupported(
            supported: toolchains.map(\.name),
            foundFiles: entries.prefix(foundFilesLimit).map { $0.isFolder ? $0.name + "/" : $0.name })
    }
}
