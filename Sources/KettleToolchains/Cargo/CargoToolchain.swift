package import KettleProvenance
import SystemPackage

/// Rust's package manager: `cargo build --release --locked`.
///
/// The operator's toolchain builds everything. Its real `bin/cargo` runs, not rustup's proxy, which would obey the project's
/// `rust-toolchain.toml`; and what a project's configuration could put in the compiler's place is overruled by environment.
package struct CargoToolchain: Toolchain {
    package static let kind = ToolchainKind(
        name: "cargo", projectFileNames: ["Cargo.toml"], settings: [.packages, .targets, .features],
        installation: "install Rust (https://rustup.rs) and have rustc on the service's PATH")

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
        digests = ToolDigests(cache: configuration.cache, of: "cargo")
    }

    /// What the programs say of themselves, for people.
    package var versions: [String] { [installation.cargoVersion, installation.rustcVersion] }

    package func plan(
        _ layout: BuildLayout, _ settings: ProjectSettings
    ) throws(ToolchainError) -> any BuildPlan {
        guard let bytes = try ProjectFile.read(CargoLock.fileName, in: layout.projectFolder) else {
            throw .lockfileMissing(name: CargoLock.fileName)
        }
        return CargoPlan(
            cargo: self, layout: layout, settings: settings, lockfile: Lockfile(name: CargoLock.fileName, bytes: bytes),
            packages: try CargoLock(parsing: bytes).packages)
    }

    package func tools() throws(ToolchainError) -> [ResourceDescriptor] {
        try digests.describe(try installation.tools())
    }

    /// Where the crates of a build are looked for: for nobody else where no folder is kept.
    func crates(of layout: BuildLayout) -> PackageStore {
        PackageStore(folder: (configuration.cache ?? layout.inputs).appending("crates"))
    }
}
