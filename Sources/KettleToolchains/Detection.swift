package import SystemPackage

/// A project in a source, and the toolchain that builds it.
package struct DetectedProject: Sendable {
    package var toolchain: any Toolchain

    /// Its folder relative to the source's root, empty for the root itself.
    package var project: String

    package var settings: ProjectSettings

    /// - Throws: ``ToolchainError/notInstalled(name:reason:installation:supported:)``, ``ToolchainError/unsupportedSetting(key:toolchain:)``.
    init(
        _ offer: ToolchainOffer, _ folder: String, _ settings: ProjectSettings, among offers: [ToolchainOffer]
    ) throws(ToolchainError) {
        switch offer.toolchain {
        case .success(let toolchain): self.toolchain = toolchain
        case .failure(let error):
            throw .notInstalled(
                name: offer.kind.name, reason: error.message, installation: offer.kind.installation,
                supported: offers.filter(\.isReady).map(\.kind.name))
        }
        project = folder
        self.settings = settings
        for key in settings.used where !offer.kind.settings.contains(key) {
            throw .unsupportedSetting(key: key.rawValue, toolchain: offer.kind.name)
        }
    }

    /// Sees that nothing in the source could be taken for what the build makes. Blocks; before the build.
    package func checkSource(of layout: BuildLayout) throws(ToolchainError) {
        try ArtifactPattern.checkAbsence(of: settings.artifacts, in: layout.source, folder: layout.project)
    }

    /// What the build made: the files that the project's settings name, or those that the toolchain does.
    package func artifacts(
        of plan: any BuildPlan, announced: [ArtifactPath], in layout: BuildLayout
    ) throws(ToolchainError) -> [ArtifactPath] {
        if settings.artifacts.isEmpty { return try plan.artifacts(announced: announced) }
        return try ArtifactPattern.find(settings.artifacts, in: layout.source, folder: layout.project)
    }
}

/// Finds the project in a source.
///
/// The folder that the request names, or else the source's root, or else the root's only folder where the root itself holds
/// no project, as in the archives that forges make. The first toolchain of those that the service has that finds a project file of its
/// own there builds it, if the request or the project's settings do not name one.
package struct Detection {
    private static let foundFilesLimit = 50

    /// Looks at a source as it lies on the disk.
    ///
    /// - Parameters:
    ///   - root: The source's root, which no build has touched yet.
    ///   - path: The folder that the request names, relative to the root.
    ///   - name: The toolchain that the request names.
    /// - Throws: ``ToolchainError/unsupported(supported:foundFiles:)``, ``ToolchainError/noSuchFolder(_:)``,
    ///   ``ToolchainError/unknownToolchain(name:supported:)``, ``ToolchainError/notInstalled(name:reason:installation:supported:)``,
    ///   and what is wrong with the project's settings.
    package static func detect(
        in root: FilePath, path: String?, toolchain name: String? = nil, among offers: [ToolchainOffer]
    ) throws(ToolchainError) -> DetectedProject {
        let source = UnpackedSource(root: root)
        var settings = try ProjectSettings.read(in: root)
        if settings == nil, let only = try source.onlyFolder {
            settings = try ProjectSettings.read(in: root, folder: only)
        }
        return try detect(
            in: source, path: path ?? settings?.path, toolchain: name ?? settings?.toolchain,
            settings: settings ?? ProjectSettings(), among: offers)
    }

    /// Looks at a source in any form; the same files give the same answer.
    package static func detect(
        in source: some SourceView, path: String?, toolchain name: String? = nil,
        settings: ProjectSettings = ProjectSettings(), among offers: [ToolchainOffer]
    ) throws(ToolchainError) -> DetectedProject {
        let candidates = name.map { name in offers.filter { $0.kind.name == name } } ?? offers
        if let name, candidates.isEmpty { throw unknown(name, offers) }
        if let path, !path.isEmpty, path != "." {
            let folder = try normalise(path)
            let entries = try source.entries(of: folder)
            if let offer = offer(for: folder, in: source, candidates) {
                return try DetectedProject(offer, folder, settings, among: offers)
            }
            throw unsupported(entries, offers)
        }
        if let offer = offer(for: "", in: source, candidates) {
            return try DetectedProject(offer, "", settings, among: offers)
        }
        if let only = try source.onlyFolder, let offer = offer(for: only, in: source, candidates) {
            return try DetectedProject(offer, only, settings, among: offers)
        }
        throw unsupported(try source.entries(of: ""), offers)
    }

    private static func offer(
        for folder: String, in source: some SourceView, _ offers: [ToolchainOffer]
    ) -> ToolchainOffer? {
        let fitting = offers.filter { offer in
            offer.kind.projectFileNames.contains { source.hasFile(folder.isEmpty ? $0 : "\(folder)/\($0)") }
        }
        return fitting.first(where: \.isReady) ?? fitting.first
    }

    /// Takes `./a/b/` as `a/b`, as people type paths; everything else must be plain.
    private static func normalise(_ path: String) throws(ToolchainError) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).filter { $0 != "." }
        guard !path.hasPrefix("/"), !parts.isEmpty, !parts.contains(".."), !path.utf8.contains(0) else {
            throw .noSuchFolder(path)
        }
        return parts.joined(separator: "/")
    }

    /// - Throws: ``ToolchainError/unknownToolchain(name:supported:)``.
    package static func check(_ name: String, among offers: [ToolchainOffer]) throws(ToolchainError) {
        guard offers.contains(where: { $0.kind.name == name }) else { throw unknown(name, offers) }
    }

    private static func unknown(_ name: String, _ offers: [ToolchainOffer]) -> ToolchainError {
        .unknownToolchain(name: name, supported: offers.filter(\.isReady).map(\.kind.name))
    }

    private static func unsupported(_ entries: [SourceEntry], _ offers: [ToolchainOffer]) -> ToolchainError {
        .unsupported(
            supported: offers.filter(\.isReady).map(\.kind.name),
            foundFiles: entries.prefix(foundFilesLimit).map { $0.isFolder ? $0.name + "/" : $0.name })
    }
}

/// A toolchain as a service has it: ready, or not there for a reason.
package struct ToolchainOffer: Sendable {
    package let kind: ToolchainKind
    package let toolchain: Result<any Toolchain, ToolchainError>

    package init<Offered: Toolchain>(_ toolchain: Offered) {
        kind = Offered.kind
        self.toolchain = .success(toolchain)
    }

    package init(_ kind: ToolchainKind, missing error: ToolchainError) {
        self.kind = kind
        toolchain = .failure(error)
    }

    /// Looks for a toolchain on this machine.
    package static func find<Offered: Toolchain>(
        _ locate: @Sendable () async throws(ToolchainError) -> Offered
    ) async -> ToolchainOffer {
        do {
            return ToolchainOffer(try await locate())
        } catch {
            return ToolchainOffer(Offered.kind, missing: error)
        }
    }

    package var isReady: Bool { if case .success = toolchain { true } else { false } }
}

extension SourceView {
    /// The root's only folder, as in the archives that forges make; nil where there are several, or none.
    fileprivate var onlyFolder: String? {
        get throws(ToolchainError) {
            let folders = try entries(of: "").filter(\.isFolder)
            return folders.count == 1 ? folders.first?.name : nil
        }
    }
}
