import KettleProvenance
import KettleSource
import SystemPackage

@testable import KettleToolchains

/// A toolchain as `docs/adding-a-toolchain.md` builds it: projects with a Makefile and a list of pinned files.
///
///     <SHA-256>  <URL>
struct MakeToolchain: Toolchain {
    static let kind = ToolchainKind(
        name: "make", projectFileNames: ["make.lock"], settings: [.targets],
        installation: "install GNU make and have it on the service's PATH")

    let program: InstalledProgram
    /// Where files may come from.
    let registry: RegistryURL
    let digests: ToolDigests

    static func locate(registry: RegistryURL) async throws(ToolchainError) -> MakeToolchain {
        guard let path = InstalledProgram.find("make") else {
            throw .toolchainMissing(tool: "make", reason: "it is not on the service's PATH")
        }
        let version = try await InstalledProgram.ask("make", at: path, ["--version"])
        return MakeToolchain(
            program: InstalledProgram(name: "make", path: path, version: version), registry: registry,
            digests: ToolDigests(cache: nil, of: kind.name))
    }

    var versions: [String] { [program.version ?? ""] }

    func tools() throws(ToolchainError) -> [ResourceDescriptor] {
        try digests.describe([.program(program)])
    }

    func plan(_ layout: BuildLayout, _ settings: ProjectSettings) throws(ToolchainError) -> any BuildPlan {
        guard let bytes = try ProjectFile.read("make.lock", in: layout.projectFolder) else {
            throw .lockfileMissing(name: "make.lock")
        }
        return MakePlan(
            make: self, layout: layout, targets: settings[.targets],
            lockfile: Lockfile(name: "make.lock", bytes: bytes),
            files: try MakeLock.read(bytes))
    }
}
