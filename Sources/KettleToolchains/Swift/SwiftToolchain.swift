package import KettleProvenance
package import SystemPackage

/// Swift's package manager: `swift build --configuration release`.
package struct SwiftToolchain: Toolchain {
    package static let kind = ToolchainKind(
        name: "swift", projectFileNames: [SwiftPlan.manifest], settings: [.targets, .features],
        installation: "install Swift (https://www.swift.org/install/linux) and have its usr/bin on the service's PATH")

    let installation: SwiftInstallation
    private let digests: ToolDigests

    /// Finds the toolchain that `swift` on the operator's path belongs to.
    ///
    /// - Parameter cache: The folder in which digests of the toolchain's files outlive the process; nil for none.
    /// - Throws: ``ToolchainError/toolchainMissing(tool:reason:)``.
    package static func locate(cache: FilePath?) async throws(ToolchainError) -> SwiftToolchain {
        SwiftToolchain(
            installation: try await SwiftInstallation.locate(), digests: ToolDigests(cache: cache, of: "swift"))
    }

    package var versions: [String] { [installation.version] }

    package func plan(_ layout: BuildLayout, _ settings: ProjectSettings) throws(ToolchainError) -> any BuildPlan {
        if let bytes = try ProjectFile.read(PackageResolved.fileName, in: layout.projectFolder) {
            return SwiftPlan(
                swift: installation, layout: layout, settings: settings,
                lockfile: Lockfile(name: PackageResolved.fileName, bytes: bytes),
                pins: try PackageResolved(parsing: bytes).pins)
        }
        // Only a package without dependencies has none. Whether it is one cannot be known before its manifest runs, which it does
        // without network: SwiftPM refuses then what is not pinned.
        guard let bytes = try ProjectFile.read(SwiftPlan.manifest, in: layout.projectFolder) else {
            throw .unreadableFile(name: SwiftPlan.manifest, reason: "it is missing")
        }
        return SwiftPlan(
            swift: installation, layout: layout, settings: settings,
            lockfile: Lockfile(name: SwiftPlan.manifest, bytes: bytes), pins: [])
    }

    package func tools() throws(ToolchainError) -> [ResourceDescriptor] {
        try digests.describe(try installation.tools())
    }
}
