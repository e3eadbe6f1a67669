import Glibc
package import KettleProvenance
import SystemPackage

/// pnpm: `pnpm install --frozen-lockfile`, `pnpm run build` and `pnpm pack`, from tarballs that Kettle has fetched and checked.
package struct PnpmToolchain: Toolchain {
    package static let kind = ToolchainKind(
        name: "pnpm", projectFileNames: [PnpmLock.fileName], settings: [.packages],
        installation:
            "install Node.js and pnpm 7 or newer (https://pnpm.io/installation) and have both on the service's PATH")

    /// The first version whose lockfiles Kettle reads.
    private static let oldestVersion = 7

    let configuration: NodeConfiguration
    let installation: NodeInstallation
    /// pnpm's own folder on the host, links resolved, and its script inside the sandbox.
    let folder: FilePath
    let program: String
    let version: String
    private let digests: ToolDigests

    init(
        configuration: NodeConfiguration, installation: NodeInstallation, folder: FilePath, program: String,
        version: String
    ) {
        self.configuration = configuration
        self.installation = installation
        self.folder = folder
        self.program = program
        self.version = version
        digests = ToolDigests(cache: configuration.cache, of: Self.kind.name)
    }

    /// Finds the `node` and the `pnpm` on the operator's path.
    ///
    /// - Throws: ``ToolchainError/toolchainMissing(tool:reason:)``, ``ToolchainError/invalidConfiguration(reason:)``.
    package static func locate(configuration: NodeConfiguration) async throws(ToolchainError) -> PnpmToolchain {
        try configuration.check()
        let installation = try await NodeInstallation.locate()
        guard let script = InstalledProgram.find("pnpm") else {
            throw .toolchainMissing(tool: "pnpm", reason: "it is not on the PATH")
        }
        // corepack's, which downloads a pnpm, and the one with a Node.js of its own are other programs.
        guard ["pnpm.cjs", "pnpm.mjs"].contains(script.lastComponent?.string),
            script.removingLastComponent().lastComponent?.string == "bin"
        else {
            throw .toolchainMissing(
                tool: "pnpm", reason: "what is on the PATH is not the package pnpm of the npm registry")
        }
        let (program, version) = try await installation.packageManager("pnpm", at: script, atLeast: oldestVersion)
        return PnpmToolchain(
            configuration: configuration, installation: installation,
            folder: script.removingLastComponent().removingLastComponent(), program: program, version: version)
    }

    /// What the programs say of themselves, for people.
    package var versions: [String] { ["node \(installation.nodeVersion)", "pnpm \(version)"] }

    package func plan(
        _ layout: BuildLayout, _ settings: ProjectSettings
    ) throws(ToolchainError) -> any BuildPlan {
        try PnpmPlan(pnpm: self, layout: layout, settings: settings)
    }

    package func tools() throws(ToolchainError) -> [ResourceDescriptor] {
        try digests.describe(
            installation.programFiles() + [
                .tree(ToolTree(name: "pnpm", root: folder, files: try ToolTree.files(of: folder), version: version))
            ])
    }
}
