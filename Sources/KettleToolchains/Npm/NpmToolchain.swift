import Glibc
package import KettleProvenance
import SystemPackage

/// npm: `npm ci`, `npm run build` and `npm pack`, from tarballs that Kettle has fetched and checked.
package struct NpmToolchain: Toolchain {
    package static let kind = ToolchainKind(
        name: "npm", projectFileNames: NpmPlan.lockfileNames, settings: [.packages],
        installation: "install Node.js with npm 8 or newer (https://nodejs.org) and have both on the service's PATH")

    /// The first version whose lockfiles and cache are those of today.
    private static let oldestVersion = 8

    let configuration: NodeConfiguration
    let installation: NodeInstallation
    /// npm's own folder on the host, links resolved, and its program inside the sandbox.
    let folder: FilePath
    let program: String
    let version: String
    private let digests: ToolDigests

    /// Finds the `node` and the `npm` on the operator's path.
    ///
    /// - Throws: ``ToolchainError/toolchainMissing(tool:reason:)``, ``ToolchainError/invalidConfiguration(reason:)``.
    package static func locate(configuration: NodeConfiguration) async throws(ToolchainError) -> NpmToolchain {
        try configuration.check()
        let installation = try await NodeInstallation.locate()
        guard let script = InstalledProgram.find("npm"), script.lastComponent?.string == "npm-cli.js" else {
            throw .toolchainMissing(tool: "npm", reason: "it is not on the PATH, or something comes before it there")
        }
        let (program, version) = try await installation.packageManager("npm", at: script, atLeast: oldestVersion)
        return NpmToolchain(
            configuration: configuration, installation: installation,
            folder: script.removingLastComponent().removingLastComponent(), program: program, version: version,
            digests: ToolDigests(cache: configuration.cache, of: kind.name))
    }

    /// What the programs say of themselves, for people.
    package var versions: [String] { ["node \(installation.nodeVersion)", "npm \(version)"] }

    package func plan(
        _ layout: BuildLayout, _ settings: ProjectSettings
    ) throws(ToolchainError) -> any BuildPlan {
        try NpmPlan(npm: self, layout: layout, settings: settings)
    }

    package func tools() throws(ToolchainError) -> [ResourceDescriptor] {
        var tools = try installation.programFiles()
        // Debian has what npm needs beside npm, each in a folder of its own.
        let parent = folder.removingLastComponent()
        let root = parent == "/usr/share/nodejs" ? parent : folder
        tools.append(.tree(ToolTree(name: "npm", root: root, files: try ToolTree.files(of: root), version: version)))
        return try digests.describe(tools)
    }
}
