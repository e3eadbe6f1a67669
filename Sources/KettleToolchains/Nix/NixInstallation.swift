import KettleSandbox
import SystemPackage

/// Nix as the system has it, below `/usr`. A Nix that lives in its own store has no place in the sandbox, where `/nix` is the
/// build's own.
struct NixInstallation: Sendable {
    /// Links resolved, and the same inside.
    let program: FilePath
    /// What `nix --version` says.
    let version: String

    /// - Throws: ``ToolchainError/toolchainMissing(tool:reason:)``.
    static func locate() async throws(ToolchainError) -> NixInstallation {
        guard let program = InstalledProgram.find("nix", on: SandboxCommand.standardSearchPath) else {
            throw .toolchainMissing(tool: "nix", reason: "it is not on the system's PATH")
        }
        guard program.starts(with: "/usr") else {
            throw .toolchainMissing(
                tool: "nix", reason: "it lies outside /usr, and only the system's own can be confined")
        }
        return NixInstallation(
            program: program, version: try await InstalledProgram.ask("nix", at: program, ["--version"]))
    }

    /// The program, its libraries, and the shell that derivations without packages build with.
    func tools() throws(ToolchainError) -> [ToolDigests.Tool] {
        var tools = [InstalledProgram(name: "nix", path: program, version: version)]
        if let shell = InstalledProgram.resolve("/bin/sh") { tools.append(InstalledProgram(name: "sh", path: shell)) }
        if let libc = InstalledProgram.resolve("/lib/x86_64-linux-gnu/libc.so.6")
            ?? InstalledProgram.resolve("/lib/aarch64-linux-gnu/libc.so.6")
        {
            tools.append(InstalledProgram(name: "libc.so.6", path: libc))
        }
        var libraries: [String] = []
        for folder in ["lib", "lib/nix", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"] {
            libraries += try ToolTree.list("/usr", folder).files.filter { path in
                FilePath(path).lastComponent?.string.hasPrefix("libnix") == true
            }
        }
        guard !libraries.isEmpty else { return tools.map { .program($0) } }
        return tools.map { .program($0) } + [.tree(ToolTree(name: "nix-libraries", root: "/usr", files: libraries))]
    }
}
