import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// How npm builds one project: `npm ci` from a cache that Kettle has filled, then `npm run build` and `npm pack`.
struct NpmPlan: NodePlan {
    /// npm takes the first that is there (npm's `docs/content/configuring-npm/npm-shrinkwrap-json.md`).
    static let lockfileNames = ["npm-shrinkwrap.json", "package-lock.json"]

    private static let cache = "/build/npm"

    let npm: NpmToolchain
    let layout: BuildLayout
    let settings: ProjectSettings
    let lockfile: Lockfile
    let lock: NpmLock
    let manifest: NodeManifest

    init(npm: NpmToolchain, layout: BuildLayout, settings: ProjectSettings) throws(ToolchainError) {
        self.npm = npm
        self.layout = layout
        self.settings = settings
        lockfile = try Self.findLockfile(in: layout)
        lock = try NpmLock(parsing: lockfile.bytes, named: lockfile.name, project: layout.project)
        manifest = try NodeManifest.read(in: layout.projectFolder)
    }

    private static func findLockfile(in layout: BuildLayout) throws(ToolchainError) -> Lockfile {
        for name in lockfileNames {
            if let bytes = try ProjectFile.read(name, in: layout.projectFolder, limitInBytes: NpmLock.limitInBytes) {
                return Lockfile(name: name, bytes: bytes)
            }
        }
        throw .lockfileMissing(name: "package-lock.json")
    }

    var installation: NodeInstallation { npm.installation }

    var tarballs: NodeTarballs {
        NodeTarballs(tarballs: lock.tarballs, configuration: npm.configuration, layout: layout)
    }

    func verifyInputs(
        of source: SourceOrigin, with repositories: [GitMirror]
    ) throws(ToolchainError) -> VerifiedInputs {
        let layout = layout
        try NpmCache.make(in: layout)
        try tarballs.check()
        try tarballs.layOut(by: { $0.digest }) { store, tarball throws(ToolchainError) in
            try NpmCache.lay(tarball.digest, from: store, in: layout)
        }
        return try NpmInputs(lock: lock, layout: layout).describe(in: source)
    }

    // MARK: - Commands

    func buildSteps() -> [BuildStep] {
        var steps = [
            step(["ci"], cache: Self.cache, [.readOnly(NpmCache.path(in: layout), at: Self.cache)]),
            step(["run", "build", "--if-present"] + selection),
        ]
        if !packing.isEmpty {
            for options in packing { steps.append(step(["pack", "--pack-destination", Self.target] + options)) }
        }
        steps.append(
            NodeDist.step(
                installation, folder: folder, environment: installation.environment, mounts: mounts))
        return steps
    }

    /// What the project's settings choose of its workspace (npm's `docs/content/using-npm/workspaces.md`).
    private var selection: [String] { settings[.packages].map { "--workspace=\($0)" } }

    /// The options of each `npm pack`: for what is chosen; else for the members of a workspace whose root is no package; else for
    /// the project.
    private var packing: [[String]] {
        if !selection.isEmpty { return [selection] }
        if manifest.isWorkspace, manifest.isPrivate { return [["--workspaces"]] }
        return manifest.isPackable ? [[]] : []
    }

    /// - Parameter cache: A folder inside; by default one in the home folder, which goes away.
    private func step(
        _ arguments: [String], cache: String? = nil, _ more: [SandboxMount] = []
    ) -> BuildStep {
        var environment = installation.environment
        environment["npm_config_cache"] = cache ?? SandboxCommand.homeFolder + "/.npm"
        environment["npm_config_logs_dir"] = "/tmp/npm-logs"
        // The project's .npmrc could say otherwise, and npm would build what no lockfile pins.
        environment["npm_config_package_lock"] = "true"
        let command = SandboxCommand(
            arguments: [installation.node, npm.program] + arguments, environment: environment,
            workingDirectory: folder, mounts: mounts + more)
        return BuildStep(name: (["npm"] + arguments).joined(separator: " "), command: command)
    }

    private var folder: String { layout.project.isEmpty ? Self.source : "\(Self.source)/\(layout.project)" }
}
