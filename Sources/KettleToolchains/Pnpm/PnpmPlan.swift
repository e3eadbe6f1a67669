import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// How pnpm builds one project: `pnpm install --frozen-lockfile` from a registry that Kettle has filled, then `pnpm run build` and
/// `pnpm pack`.
struct PnpmPlan: NodePlan {
    /// A project of the workspace.
    struct Member: Sendable, Hashable {
        /// As the lockfile has it, `.` for the lockfile's own.
        var folder: String
        var manifest: NodeManifest
    }

    let pnpm: PnpmToolchain
    let layout: BuildLayout
    let settings: ProjectSettings
    let lockfile: Lockfile
    let lock: PnpmLock
    /// Sorted by folder.
    let members: [Member]

    init(pnpm: PnpmToolchain, layout: BuildLayout, settings: ProjectSettings) throws(ToolchainError) {
        guard
            let bytes = try ProjectFile.read(
                PnpmLock.fileName, in: layout.projectFolder, limitInBytes: PnpmLock.limitInBytes)
        else { throw .lockfileMissing(name: PnpmLock.fileName) }
        self.pnpm = pnpm
        self.layout = layout
        self.settings = settings
        lockfile = Lockfile(name: PnpmLock.fileName, bytes: bytes)
        lock = try PnpmLock(parsing: bytes, project: layout.project)
        var members: [Member] = []
        for folder in lock.importers.keys.sorted() {
            let path = try SourcePath.inside(folder, of: layout.project, named: PnpmLock.fileName)
            // Its folder may be reached through no link.
            _ = try UnpackedSource(root: layout.source).entries(of: path)
            members.append(
                Member(
                    folder: folder,
                    manifest: try NodeManifest.read(in: layout.source.appending(FilePath(path).components))))
        }
        self.members = members
        for name in settings[.packages]
        where !members.contains(where: { $0.manifest.name == name || $0.folder == name }) {
            throw .packageNotFound(package: name)
        }
    }

    var installation: NodeInstallation { pnpm.installation }

    var tarballs: NodeTarballs {
        NodeTarballs(tarballs: lock.tarballs, configuration: pnpm.configuration, layout: layout)
    }

    func verifyInputs(
        of source: SourceOrigin, with repositories: [GitMirror]
    ) throws(ToolchainError) -> VerifiedInputs {
        let layout = layout
        try SealedRegistry.make(in: layout)
        try tarballs.check()
        try tarballs.layOut(by: { $0.place == .registry ? $0.package : nil }) { store, tarball throws(ToolchainError) in
            try SealedRegistry.lay(tarball, from: store, in: layout)
        }
        return try PnpmInputs(lock: lock, members: members, layout: layout).describe(in: source)
    }

    // MARK: - Commands

    func buildSteps() -> [BuildStep] {
        var install = step(Self.install, in: ".", [SealedRegistry.mount(in: layout)])
        install.command.arguments = SealedRegistry.arguments(
            node: installation.node, running: [pnpm.program] + Self.install)
        install.name = "pnpm install --frozen-lockfile"
        var steps = [install]
        let chosen = members.filter {
            settings[.packages].contains($0.manifest.name) || settings[.packages].contains($0.folder)
        }
        for member in chosen.isEmpty ? members.filter({ $0.folder == "." }) : chosen {
            steps.append(step(["run", "--if-present", "build"], in: member.folder))
        }
        for member in packed(chosen) {
            steps.append(step(["pack", "--pack-destination", Self.target], in: member.folder))
        }
        steps.append(
            NodeDist.step(installation, folder: folder("."), environment: environment, mounts: mounts))
        return steps
    }

    /// What is chosen; else the members of a workspace whose root is no package; else the project.
    private func packed(_ chosen: [Member]) -> [Member] {
        if !chosen.isEmpty { return chosen.filter(\.manifest.isPackable) }
        let root = members.filter { $0.folder == "." }
        if members.count > 1, root.allSatisfy(\.manifest.isPrivate) {
            return members.filter { $0.folder != "." && !$0.manifest.isPrivate && $0.manifest.isPackable }
        }
        return root.filter(\.manifest.isPackable)
    }

    /// Every option is said on the command line, which comes before what a project's own `.npmrc` and `pnpm-workspace.yaml` say.
    private static let install = [
        "install", "--frozen-lockfile", "--registry=\(SealedRegistry.url)", "--store-dir=\(target)/.pnpm-store",
        "--package-import-method=copy", "--reporter=append-only",
        // pnpm would download the version of itself that a project asks for, ask before it removes a folder, and ask the registry
        // for the age of packages.
        "--config.manage-package-manager-versions=false", "--config.package-manager-strict=false",
        "--config.confirm-modules-purge=false", "--config.minimum-release-age=0",
    ]

    private func step(_ arguments: [String], in member: String, _ more: [SandboxMount] = []) -> BuildStep {
        let command = SandboxCommand(
            arguments: [installation.node, pnpm.program] + arguments, environment: environment,
            workingDirectory: folder(member), mounts: mounts + more)
        return BuildStep(name: (["pnpm"] + arguments).joined(separator: " "), command: command)
    }

    private var environment: [String: String] {
        var environment = installation.environment
        // There is a registry, if only this one.
        environment["npm_config_offline"] = nil
        environment["npm_config_manage_package_manager_versions"] = "false"
        environment["npm_config_package_manager_strict"] = "false"
        // pnpm asks questions otherwise, and shows bars.
        environment["CI"] = "true"
        return environment
    }

    private func folder(_ member: String) -> String {
        let path = (try? SourcePath.inside(member, of: layout.project, named: PnpmLock.fileName)) ?? layout.project
        return path.isEmpty ? Self.source : "\(Self.source)/\(path)"
    }
}
