import Glibc
import KettleProvenance
import KettleSandbox
import SystemPackage

/// Node.js of the operator's, with the package managers that run on it.
struct NodeInstallation: Sendable {
    /// Where it is mounted when it is not part of the system.
    private static let mountPoint = "/toolchain/node"

    /// The folder that has `bin/node`, links resolved.
    let root: FilePath
    /// Where the root is mounted inside; nil for one in `/usr`, which is there anyway.
    let mountedRoot: String?
    /// What `node --version` says.
    let nodeVersion: String

    /// Finds the `node` on the operator's path.
    static func locate() async throws(ToolchainError) -> NodeInstallation {
        guard let node = InstalledProgram.find("node") else {
            throw .toolchainMissing(tool: "node", reason: "it is not on the PATH")
        }
        guard node.lastComponent?.string == "node", node.removingLastComponent().lastComponent?.string == "bin" else {
            throw .toolchainMissing(tool: "node", reason: "what is on the PATH is not Node.js itself")
        }
        let root = node.removingLastComponent().removingLastComponent()
        return NodeInstallation(
            root: root, mountedRoot: root.starts(with: "/usr") ? nil : mountPoint,
            nodeVersion: try await InstalledProgram.ask("node", at: node, ["--version"]))
    }

    // Paths inside the sandbox.
    var node: String { programs + "/node" }
    /// The folder of programs, first on the search path.
    var programs: String { (mountedRoot ?? root.string) + "/bin" }
    var searchPath: String { "\(programs):\(SandboxCommand.standardSearchPath)" }

    var mounts: [SandboxMount] { mountedRoot.map { [.readOnly(root, at: $0)] } ?? [] }

    /// Where a file of the installation is inside; nil for one that is not there.
    func inside(_ path: FilePath) -> String? {
        if path.starts(with: "/usr") { return path.string }
        guard let mountedRoot else { return nil }
        var relative = path
        guard relative.removePrefix(root) else { return nil }
        return "\(mountedRoot)/\(relative)"
    }

    /// A package manager that belongs to this Node.js.
    ///
    /// - Parameters:
    ///   - script: Where it is on the host, links resolved.
    ///   - oldest: The first version that will do.
    /// - Returns: Its script inside the sandbox, and what it says is its version.
    /// - Throws: ``ToolchainError/toolchainMissing(tool:reason:)``.
    func packageManager(
        _ tool: String, at script: FilePath, atLeast oldest: Int
    ) async throws(ToolchainError) -> (program: String, version: String) {
        guard let program = inside(script) else {
            throw .toolchainMissing(tool: tool, reason: "it belongs to another Node.js than the one on the PATH")
        }
        let version = try await InstalledProgram.ask(
            tool, at: root.appending("bin").appending("node"), [script.string, "--version"])
        guard let major = version.split(separator: ".").first.flatMap({ Int($0) }), major >= oldest else {
            throw .toolchainMissing(tool: tool, reason: "it is version \(version), and \(oldest) is needed")
        }
        return (program, version)
    }

    /// The C headers that add-ons are compiled with, where the installation has them: node-gyp would download them.
    var headers: [String: String] {
        guard access(root.appending(FilePath("include/node/node.h").components).string, R_OK) == 0 else { return [:] }
        return ["npm_config_nodedir": mountedRoot ?? root.string]
    }

    /// Node.js itself, and the library that has most of it in some distributions.
    func programFiles() throws(ToolchainError) -> [ToolDigests.Tool] {
        var tools: [ToolDigests.Tool] = [
            .program(
                InstalledProgram(name: "node", path: root.appending("bin").appending("node"), version: nodeVersion))
        ]
        var folders = ["lib"]
        if root == "/usr" { folders += ["lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"] }
        for folder in folders {
            for file in try ToolTree.list(root, folder).files.sorted()
            where FilePath(file).lastComponent?.string.hasPrefix("libnode.so") == true {
                let path = root.appending(FilePath(file).components)
                tools.append(.program(InstalledProgram(name: "libnode", path: path)))
            }
        }
        return tools
    }

    /// The environment of every command: nothing of the operator's own configuration, nothing that asks or reports.
    var environment: [String: String] {
        [
            "PATH": searchPath, "HOME": SandboxCommand.homeFolder, "TMPDIR": "/tmp", "TZ": "UTC", "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            // A day that every format can hold; without it programs that ask for the date differ from build to build.
            "SOURCE_DATE_EPOCH": "315532800",
            // The operator's may hold credentials, and stands in the same folder as the programs.
            "npm_config_globalconfig": "/dev/null",
            "npm_config_offline": "true", "npm_config_prefer_online": "false", "npm_config_audit": "false",
            "npm_config_fund": "false",
            "npm_config_update_notifier": "false", "npm_config_progress": "false",
        ].merging(headers) { $1 }
    }
}
