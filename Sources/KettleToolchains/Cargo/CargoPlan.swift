import Glibc
import KettleSandbox
import KettleSource
import SystemPackage

/// How cargo builds one project: `cargo fetch --locked` where something is to be had, then `cargo build --release --locked`.
struct CargoPlan: BuildPlan {
    private static let registryIndex = "/build/cargo"
    private static let source = "/build/source"
    private static let configurationFile = "/build/.cargo/config.toml"

    let cargo: CargoToolchain
    let layout: BuildLayout
    let settings: ProjectSettings
    let lockfile: Lockfile
    /// In the lockfile's order.
    let packages: [LockedPackage]

    func repositories() throws(ToolchainError) -> [GitMirrorRequest] {
        guard packages.contains(where: \.isFromGit), try inputs().isFetched else { return [] }
        return CargoRepositories.requests(for: packages)
    }

    func makeOutputReader() -> any BuildOutputReader { CargoMessages() }

    /// Where the crates come from.
    func inputs() throws(ToolchainError) -> CargoInputs { try CargoInputs(packages, layout, cargo.configuration) }

    // MARK: - Commands

    func fetchSteps(with mirrors: [GitMirror]) -> [BuildStep] {
        // Whoever verifies the inputs says what is wrong with them.
        guard let inputs = try? inputs(), inputs.isFetched,
            !mirrors.isEmpty
                || !cargo.crates(of: layout).hasAll(packages.compactMap(\.archiveDigest).map { PinnedDigest($0) })
        else { return [] }
        let repositories = CargoRepositories(mirrors: mirrors)
        var environment = environment(cargoHome: Self.registryIndex)
        // No program but the toolchain's is found, and git where there is something to fetch with it.
        environment["PATH"] = cargo.installation.programs
        if !mirrors.isEmpty {
            environment["PATH"] = "\(cargo.installation.programs):\(SandboxCommand.standardSearchPath)"
            environment.merge(repositories.environment) { $1 }
        }
        environment["CARGO_NET_GIT_FETCH_WITH_CLI"] = "true"
        environment["CARGO_NET_RETRY"] = "3"
        environment["CARGO_HTTP_PROXY"] = EgressPolicy.proxyURL
        let command = SandboxCommand(
            arguments: [cargo.installation.cargo, "fetch", "--locked"], environment: environment,
            workingDirectory: folder,
            mounts: toolchainMounts + [.writable(layout.dependencies, at: Self.registryIndex)]
                + repositories.mounts
                + (cargo.configuration.fetching.map { [.text($0, at: Self.configurationFile)] } ?? [])
                // The project's configuration may name registries, proxies and programs that give credentials.
                + inputs.configurationFiles.map { .text("", at: "\(Self.source)/\($0)") }
                + [.readOnly(layout.source, at: Self.source)],
            network: .egress(EgressPolicy(cargo.configuration.endpoints)))
        return [BuildStep(name: "cargo fetch", command: command)]
    }

    func buildSteps() throws(ToolchainError) -> [BuildStep] {
        var environment = environment(cargoHome: SandboxCommand.homeFolder + "/.cargo")
        environment["CARGO_NET_OFFLINE"] = "true"
        environment["CARGO_TARGET_DIR"] = "/build/target"
        environment["CARGO_INCREMENTAL"] = "0"
        // A day that every format can hold; without it programs that ask for the date differ from build to build.
        environment["SOURCE_DATE_EPOCH"] = "315532800"
        let command = SandboxCommand(
            arguments: [
                cargo.installation.cargo, "build", "--release", "--locked", "--message-format=json-render-diagnostics",
            ] + selection,
            environment: environment, workingDirectory: folder,
            mounts: toolchainMounts
                + vendorMounts(suppliedCrates) + repositoryMounts
                + [.writable(layout.source, at: Self.source), .writable(layout.target, at: "/build/target")]
                + (try vendoredMounts()))
        return [BuildStep(name: (["cargo build --release"] + selection).joined(separator: " "), command: command)]
    }

    /// What the project's settings choose of it (cargo-build(1)).
    private var selection: [String] {
        settings[.packages].flatMap { ["--package", $0] } + settings[.targets].flatMap { ["--bin", $0] }
            + settings[.features].flatMap { ["--features", $0] }
    }

    /// Crates from elsewhere than the source: the operator's, or those that were checked and laid out for this build.
    private var suppliedCrates: FilePath? {
        if let folder = cargo.configuration.vendorDirectory { return folder }
        let checked = CrateFolder.path(in: layout)
        return access(checked.string, F_OK) == 0 ? checked : nil
    }

    private var folder: String {
        layout.project.isEmpty ? Self.source : "\(Self.source)/\(layout.project)"
    }

    private var toolchainMounts: [SandboxMount] {
        cargo.installation.mountedRoot.map { [.readOnly(cargo.installation.root, at: $0)] } ?? []
    }

    /// What the source vendors was checked, and is not for one crate's build script to change for another.
    private func vendoredMounts() throws(ToolchainError) -> [SandboxMount] {
        var mounts: [SandboxMount] = []
        for folder in try CargoProjectConfiguration(of: layout).vendorFolders where !folder.isEmpty {
            mounts.append(
                .readOnly(layout.source.appending(FilePath(folder).components), at: "\(Self.source)/\(folder)"))
        }
        return mounts
    }

    /// cargo's own checkouts of git dependencies, which were checked. Nothing writes there any more.
    private var repositoryMounts: [SandboxMount] {
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
            "PATH": "\(cargo.installation.programs):\(SandboxCommand.standardSearchPath)",
            "HOME": SandboxCommand.homeFolder, "TMPDIR": "/tmp", "TZ": "UTC", "LANG": "C.UTF-8",
            "CARGO_HOME": cargoHome, "CARGO_TERM_COLOR": "never", "CARGO_TERM_PROGRESS_WHEN": "never",
            // A project's configuration could name programs of its own here.
            "RUSTC": cargo.installation.rustc, "RUSTDOC": cargo.installation.rustdoc, "RUSTC_WRAPPER": "",
            "RUSTC_WORKSPACE_WRAPPER": "",
        ]
    }
}
