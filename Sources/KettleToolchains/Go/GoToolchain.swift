package import KettleProvenance
import SystemPackage

/// Go: `go install ./...` on modules that `go.sum` pins.
///
/// The operator's toolchain builds everything, whatever the `toolchain` line of a project says. No C compiler takes part.
package struct GoToolchain: Toolchain {
    package static let kind = ToolchainKind(
        name: "go", projectFileNames: [GoMod.fileName], settings: [.packages, .features],
        installation: "install Go (https://go.dev/dl) and have go on the service's PATH")

    let configuration: GoConfiguration
    let installation: GoInstallation
    private let digests: ToolDigests

    /// Finds the toolchain that `go` on the operator's path belongs to.
    ///
    /// - Throws: ``ToolchainError/toolchainMissing(tool:reason:)``, ``ToolchainError/invalidConfiguration(reason:)``.
    package static func locate(configuration: GoConfiguration) async throws(ToolchainError) -> GoToolchain {
        try configuration.check()
        return GoToolchain(configuration: configuration, installation: try await GoInstallation.locate())
    }

    init(configuration: GoConfiguration, installation: GoInstallation) {
        self.configuration = configuration
        self.installation = installation
        digests = ToolDigests(cache: configuration.cache, of: "go")
    }

    package var versions: [String] { [installation.version] }

    package func plan(
        _ layout: BuildLayout, _ settings: ProjectSettings
    ) throws(ToolchainError) -> any BuildPlan {
        guard let manifest = try ProjectFile.read(GoMod.fileName, in: layout.projectFolder) else {
            throw .unreadableFile(name: GoMod.fileName, reason: "it is missing")
        }
        let module = try GoMod(parsing: manifest)
        let sums = try ProjectFile.read(GoSum.fileName, in: layout.projectFolder)
        // What requires no module has no go.sum either; go.mod then says all there is to say.
        guard sums != nil || module.requirements.isEmpty else { throw .lockfileMissing(name: GoSum.fileName) }
        return GoPlan(
            go: self, layout: layout, settings: settings,
            lockfile: sums.map { Lockfile(name: GoSum.fileName, bytes: $0) }
                ?? Lockfile(name: GoMod.fileName, bytes: manifest),
            inputs: try GoInputs(
                module, try sums.map { bytes throws(ToolchainError) in try GoSum(parsing: bytes) } ?? GoSum(), layout))
    }

    package func tools() throws(ToolchainError) -> [ResourceDescriptor] {
        try digests.describe(try installation.tools())
    }

    /// Where the modules of a build are looked for: for nobody else where no folder is kept.
    func modules(of layout: BuildLayout) -> ModuleStore {
        ModuleStore(folder: (configuration.cache ?? layout.inputs).appending("go-modules"))
    }
}
