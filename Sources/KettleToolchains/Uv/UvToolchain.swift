package import KettleProvenance
import SystemPackage

/// Python packages with uv: `uv build` on what `uv.lock` pins.
///
/// The operator's uv and the system's Python build everything, whatever Python the project asks for.
package struct UvToolchain: Toolchain {
    package static let kind = ToolchainKind(
        name: "uv", projectFileNames: [UvProject.fileName], settings: [.packages],
        installation: "install uv (https://docs.astral.sh/uv) and have uv on the service's PATH")

    let configuration: UvConfiguration
    let installation: UvInstallation
    private let digests: ToolDigests

    /// Finds uv on the operator's path, and the system's Python.
    ///
    /// - Throws: ``ToolchainError/toolchainMissing(tool:reason:)``, ``ToolchainError/invalidConfiguration(reason:)``.
    package static func locate(configuration: UvConfiguration) async throws(ToolchainError) -> UvToolchain {
        try configuration.check()
        return UvToolchain(configuration: configuration, installation: try await UvInstallation.locate())
    }

    init(configuration: UvConfiguration, installation: UvInstallation) {
        self.configuration = configuration
        self.installation = installation
        digests = ToolDigests(cache: configuration.cache, of: "uv")
    }

    package var versions: [String] { [installation.uvVersion, installation.pythonVersion] }

    package func plan(
        _ layout: BuildLayout, _ settings: ProjectSettings
    ) throws(ToolchainError) -> any BuildPlan {
        guard let bytes = try ProjectFile.read(UvLock.fileName, in: layout.projectFolder) else {
            throw .lockfileMissing(name: UvLock.fileName)
        }
        return UvPlan(
            uv: self, layout: layout, settings: settings, lockfile: Lockfile(name: UvLock.fileName, bytes: bytes),
            inputs: try UvInputs(try UvLock(parsing: bytes), layout, settings, self))
    }

    package func tools() throws(ToolchainError) -> [ResourceDescriptor] {
        try digests.describe(try installation.tools())
    }

    /// Where the files of a build are looked for: for nobody else where no folder is kept.
    func packages(of layout: BuildLayout) -> PackageStore {
        PackageStore(folder: (configuration.cache ?? layout.inputs).appending("python-packages"))
    }
}
