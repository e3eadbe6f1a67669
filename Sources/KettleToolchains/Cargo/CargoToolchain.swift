import Glibc
package import KettleProvenance
package import KettleSandbox
package import KettleSource
package import SystemPackage

/// Rust's package manager: `cargo build --release --locked`.
///
/// The operator's toolchain builds everything. Its real `bin/cargo` runs, not rustup's proxy, which would obey the project's
/// `rust-toolchain.toml`; and what a project's configuration could put in the compiler's place is overruled by environment.
package struct CargoToolchain: Toolchain {
    private static let registryIndex = "/build/cargo"
    private static let source = "/build/source"
    private static let configurationFile = "/build/.cargo/config.toml"

    let configuration: CargoConfiguration
    let installation: RustInstallation
    private let digests: ToolDigests

    /// Finds the toolchain that `rustc` on the operator's path belongs to.
    ///
    /// - Throws: ``ToolchainError/toolchainMissing(tool:reason:)``, ``ToolchainError/invalidConfiguration(reason:)``.
    package static func locate(configuration: CargoConfiguration) async throws(ToolchainError) -> CargoToolchain {
        try configuration.check()
        return CargoToolchain(configuration: configuration, installation: try await RustInstallation.locate())
    }

    init(configuration: CargoConfiguration, installation: RustInstallation) {
        self.configuration = configuration
        self.installation = installation
        digests = ToolDigests(cache: configuration.cache)
    }

    /// What the programs say of themselves, for people.
    package var versions: [String] { [installation.cargoVersion, installation.rustcVersion] }

    package var name: String { "cargo" }
    package var commandName: String { "cargo build --release" }
    package var buildAnnouncement: String { "Running cargo build --release" }
    package var lockfileName: String { CargoLock.fileName }
    package var projectFileName: String { "Cargo.toml" }

    package func lockedInputs(of project: FilePath) throws(ToolchainError) -> LockedInputs {
        guard let bytes = try ProjectFile.read(CargoLock.fileName, in: project) else {
            throw .lockfileMissing(name: CargoLock.fileName)
        }
        return LockedInputs(lockfile: bytes, packages: try CargoLock(parsing: bytes).packages)
    }

    package func makeOutputReader() -> any BuildOutputReader { CargoMessages() }

    package func tools() throws(ToolchainError) -> [ResourceDescriptor] { try digests.describe(installation) }

    // MARK: - Commands

    package func repositories(
        of inputs: LockedInputs, layout: BuildLayout
    ) throws(ToolchainError) -> [GitMirrorRequest] {
        guard inputs.packages.contains(where: \.isFromGit),
            try CargoInputs(inputs, layout, configuration).isFetched
        else { return [] }
        return CargoRepositories.requests(for: inputs.packages)
    }

    package func fetchCommand(for inputs: LockedInputs, layout: BuildLayout) -> SandboxCommand? {
        guard let plan = try? CargoInputs(inputs, layout, configuration), plan.isFetched,
            !inputs.repositories.isEmpty || !crates(of: layout).hasAll(inputs.packages)
        else { return nil }
        let repositories = CargoRepositories(mirrors: inputs.repositories)
        var environment = environment(cargoHome: Self.registryIndex)
        // No program but the toolchain's is found, and git where there is something to fetch with it.
        environment["PATH"] = installation.programs
        if !inputs.repositories.isEmpty {
            environment["PATH"] = "\(installation.programs):\(SandboxCommand.standardSearchPath)"
            environment.merge(repositories.environment) { $1 }
        }
        environment["CARGO_NET_GIT_FETCH_WITH_CLI"] = "true"
        environment["CARGO_NET_RETRY"] = "3"
        environment["CARGO_HTTP_PROXY"] = EgressPolicy.proxyURL
        return SandboxCommand(
            arguments: [installation.cargo, "fetch", "--locked"], environment: environment,
            workingDirectory: folder(layout),
            mounts: toolchainMounts + [.writable(layout.dependencies, at: Self.registryIndex)]
                + repositories.mounts
                + (configuration.fetching.map { [.text($0, at: Self.configurationFile)] } ?? [])
                // The project's configuration may name registries, proxies and programs that give credentials.
                + plan.configurationFiles.map { .text("", at: "\(Self.source)/\($0)") }
                + [.readOnly(layout.source, at: Self.source)],
            network: .egress(EgressPolicy(configuration.endpoints)))
    }

    package func buildCommand(layout: BuildLayout) -> SandboxCommand {
        var environment = environment(cargoHome: SandboxCommand.homeFolder + "/.cargo")
        environment["CARGO_NET_OFFLINE"] = "true"
        environment["CARGO_TARGET_DIR"] = "/build/target"
        environment["CARGO_INCREMENTAL"] = "0"
        // A day that every format can hold; without it programs that ask for the date differ from build to build.
        environment["SOURCE_DATE_EPOCH"] = "315532800"
        return SandboxCommand(
            arguments: [
                installation.cargo, "build", "--release", "--locked", "--message-format=json-render-diagnostics",
            ],
            environment: environment, workingDirectory: folder(layout),
            mounts: toolchainMounts
                + vendorMounts(suppliedCrates(layout)) + repositoryMounts(layout)
                + [.writable(layout.source, at: Self.source), .writable(layout.target, at: "/build/target")]
                + vendoredMounts(layout))
    }

    /// Crates from elsewhere than the source: the operator's, or those that were checked and laid out for this build.
    private func suppliedCrates(_ layout: BuildLayout) -> FilePath? {
        if let folder = configuration.vendorDirectory { return folder }
        let checked = CrateFolder.path(in: layout)
        return access(checked.string, F_OK) == 0 ? checked : nil
    }

    private func folder(_ layout: BuildLayout) -> String {
        layout.project.isEmpty ? Self.source : "\(Self.source)/\(layout.project)"
    }

    /// Where the crates of a build are looked for: for nobody else where no folder is kept.
    func crates(of layout: BuildLayout) -> CrateStore {
        CrateStore(folder: (configuration.cache ?? layout.inputs).appending("crates"))
    }

    private var toolchainMounts: [SandboxMount] {
        installation.mountedRoot.map { [.readOnly(installation.root, at: $0)] } ?? []
    }

    /// What the source vendors was checked, and is not for one crate's build script to change for another.
    private func vendoredMounts(_ layout: BuildLayout) -> [SandboxMount] {
        let folders = (try? CargoProjectConfiguration(of: layout))?.vendorFolders ?? []
        return folders.filter { !$0.isEmpty }.map { folder in
            .readOnly(layout.source.appending(FilePath(folder).components), at: "\(Self.source)/\(folder)")
        }
    }

    /// cargo's own checkouts of git dependencies, which were checked. Nothing writes there any more.
    private func repositoryMounts(_ layout: BuildLayout) -> [SandboxMount] {
        let folder = layout.dependencies.appending(CargoRepositories.folderName)
        guard access(folder.string, F_OK) == 0 else { return [] }
        return [.readOnly(folder, at: SandboxCommand.homeFolder + "/.cargo/" + CargoRepositories.folderName)]
    }

    /// A folder of crates, and the configuration above the project's that says so.
    private func vendorMounts(_ folder: FilePath?) -> [SandboxMount] {
        guard let folder else { return [] }
        return [
            .readOnly(folder, at: CrateFolder.mountPoint),
            .text(CargoConfiguration.vendored, at: Self.configurationFile),
        ]
    }

    private func environment(cargoHome: String) -> [String: String] {
        [
            "PATH": "\(installation.programs):\(SandboxCommand.standardSearchPath)",
            "HOME": SandboxCommand.homeFolder, "TMPDIR": "/tmp", "TZ": "UTC", "LANG": "C.UTF-8",
            "CARGO_HOME": cargoHome, "CARGO_TERM_COLOR": "never", "CARGO_TERM_PROGRESS_WHEN": "never",
            // A project's configuration could name programs of its own here.
            "RUSTC": installation.rustc, "RUSTDOC": installation.rustdoc, "RUSTC_WRAPPER": "",
            "RUSTC_WORKSPACE_WRAPPER": "",
        ]
    }
}
