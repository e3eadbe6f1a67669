import Glibc
import KettleSandbox
import Subprocess
import SystemPackage

/// A Go toolchain of the operator's.
struct GoInstallation: Sendable {
    /// Where a toolchain is mounted that is not part of the system.
    private static let mountPoint = "/toolchain/go"

    /// `GOROOT` on the host, links resolved.
    let root: FilePath

    /// Where the root is mounted inside; nil for a distribution's toolchain, which is in `/usr` anyway.
    let mountedRoot: String?

    /// What `go version` says.
    let version: String

    /// `GOROOT` and the program, inside the sandbox.
    var goroot: String { mountedRoot ?? root.string }
    var go: String { goroot + "/bin/go" }

    /// Asks the `go` on the operator's path where its toolchain is.
    ///
    /// - Parameter program: Another one to ask.
    static func locate(_ program: FilePath? = nil) async throws(ToolchainError) -> GoInstallation {
        guard let program = program ?? InstalledProgram.find("go") else {
            throw .toolchainMissing(tool: "go", reason: "it is not on the PATH")
        }
        let answer = try await InstalledProgram.ask("go", at: program, ["env", "GOROOT"])
        guard answer.hasPrefix("/"), let root = InstalledProgram.resolve(FilePath(answer)) else {
            throw .toolchainMissing(tool: "go", reason: "it names no folder as its GOROOT")
        }
        let go = root.appending("bin").appending("go")
        guard access(go.string, X_OK) == 0 else {
            throw .toolchainMissing(tool: "go", reason: "the toolchain has no bin/go")
        }
        return GoInstallation(
            root: root, mountedRoot: root.starts(with: "/usr") ? nil : mountPoint,
            version: try await InstalledProgram.ask("go", at: go, ["version"]))
    }

    /// The program, and all that it takes along: compiler, linker and the standard library, which is compiled with the project.
    func tools() throws(ToolchainError) -> [ToolDigests.Tool] {
        let go =
            InstalledProgram.resolve(root.appending("bin").appending("go")) ?? root.appending("bin").appending("go")
        return [
            .program(InstalledProgram(name: "go", path: go, version: version)),
            .tree(ToolTree(name: "go-toolchain", root: root, files: try files())),
        ]
    }

    /// Without documentation and tests. A distribution has links to `/usr/share` right in the root.
    private func files() throws(ToolchainError) -> [String] {
        let top = try ToolTree.list(root, "")
        var files = top.files
        for folder in ["bin", "lib", "pkg", "src"] { files += try ToolTree.files(of: root, in: folder) }
        return files
    }
}
