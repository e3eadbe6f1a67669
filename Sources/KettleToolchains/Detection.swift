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

    /// Looks at a source as it lies on the disk.
    ///
    /// - Parameters:
    ///   - root: The source's root, which no build has touched yet.
    ///   - path: The folder that the request names, relative to the root.
    /// - Throws: ``ToolchainError/unsupported(supported:foundFiles:)`` or ``ToolchainError/noSuchFolder(_:)``.
    package static func detect(
        in root: FilePath, path: String?, toolchains: [any Toolchain]
    ) throws(ToolchainError) -> DetectedProject {
        try detect(in: UnpackedSource(root: root), path: path, toolchains: toolchains)
    }

    /// Looks at a source in any form; the same files give the same answer.
    package static func detect(
        in source: some SourceView, path: String?, toolchains: [any Toolchain]
    ) throws(ToolchainError) -> DetectedProject {
        if let path, !path.isEmpty, path != "." {
            let folder = try normalise(path)
            let entries = try source.entries(of: folder)
            if let toolchain = toolchain(for: folder, in: source, toolchains) {
                return DetectedProject(toolchain: toolchain, project: folder)
            }
            throw unsupported(entries, toolchains)
        }
        if let toolchain = toolchain(for: "", in: source, toolchains) {
            return DetectedProject(toolchain: toolchain, project: "")
        }
        let entries = try source.entries(of: "")
        let folders = entries.filter(\.isFolder)
        if folders.count == 1, let only = folders.first?.name,
            let toolchain = toolchain(for: only, in: source, toolchains)
        {
            return DetectedProject(toolchain: toolchain, project: only)
        }
        throw unsupported(entries, toolchains)
    }

    private static func toolchain(
        for folder: String, in source: some SourceView, _ toolchains: [any Toolchain]
    ) -> (any Toolchain)? {
        toolchains.first { source.hasFile(folder.isEmpty ? $0.projectFileName : "\(folder)/\($0.projectFileName)") }
    }

    /// Takes `./a/b/` as `a/b`, as people type paths; everything else must be plain.
    private static func normalise(_ path: String) throws(ToolchainError) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).filter { $0 != "." }
        guard !path.hasPrefix("/"), !parts.isEmpty, !parts.contains(".."), !path.utf8.contains(0) else {
            throw .noSuchFolder(path)
        }
        return parts.joined(separator: "/")
    }

    private static func unsupported(_ entries: [SourceEntry], _ toolchains: [any Toolchain]) -> ToolchainError {
        .unsupported(
            supported: toolchains.map(\.name),
            foundFiles: entries.prefix(foundFilesLimit).map { $0.isFolder ? $0.name + "/" : $0.name })
    }
}
