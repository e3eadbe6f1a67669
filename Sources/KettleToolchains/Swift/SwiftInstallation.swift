import Glibc
import KettleSandbox
import SystemPackage

/// A Swift toolchain of the operator's and the parts of the system that it links with.
struct SwiftInstallation: Sendable {
    /// Where a toolchain is mounted that is not part of the system.
    private static let mountPoint = "/toolchain/swift"

    /// The folder on the host that has `bin/` and `lib/`, links resolved: `/opt/swift/usr`, or `/usr` itself.
    let root: FilePath

    /// Where the root is mounted inside; nil for a toolchain below `/usr`, which is there anyway.
    let mountedRoot: String?

    /// What `swift --version` says first.
    let version: String

    /// What clang takes from the system to link, by name, as found inside too.
    let linkers: [InstalledProgram]

    /// Inside the sandbox.
    var programs: String { (mountedRoot ?? root.string) + "/bin" }

    /// Finds the toolchain that `swift` on the operator's path belongs to.
    static func locate() async throws(ToolchainError) -> SwiftInstallation {
        guard let program = InstalledProgram.find("swift") else {
            throw .toolchainMissing(tool: "swift", reason: "it is not on the PATH")
        }
        let bin = program.removingLastComponent()
        for name in ["swift-build", "swift-package", "swift-frontend", "clang"]
        where access(bin.appending(name).string, X_OK) != 0 {
            // swiftly's programs are links to swiftly itself, which runs whatever the folder that it stands in asks for.
            throw .toolchainMissing(
                tool: "swift", reason: "it has no \(name) beside it: have the toolchain's own usr/bin on the PATH")
        }
        let root = bin.removingLastComponent()
        return SwiftInstallation(
            root: root, mountedRoot: root.starts(with: "/usr") ? nil : mountPoint,
            version: try await InstalledProgram.ask("swift", at: bin.appending("swift"), ["--version"]),
            linkers: try await locateLinkers(clang: bin.appending("clang")))
    }

    private static func locateLinkers(clang: FilePath) async throws(ToolchainError) -> [InstalledProgram] {
        var programs: [InstalledProgram] = []
        for name in ["ld.gold", "ld"] {
            let answer = try await InstalledProgram.ask("clang", at: clang, ["-print-prog-name=\(name)"])
            if answer.hasPrefix("/"), let path = InstalledProgram.resolve(FilePath(answer)) {
                programs.append(InstalledProgram(name: name, path: path))
            }
        }
        for name in ["crt1.o", "crti.o", "libgcc.a", "libc.so.6"] {
            let answer = try await InstalledProgram.ask("clang", at: clang, ["-print-file-name=\(name)"])
            guard answer.hasPrefix("/"), let path = InstalledProgram.resolve(FilePath(answer)) else {
                throw .toolchainMissing(tool: "swift", reason: "clang finds no \(name) to link with")
            }
            programs.append(InstalledProgram(name: name, path: path))
        }
        return programs
    }

    /// All that decides what becomes of a source, in the statement's order.
    func tools() throws(ToolchainError) -> [ToolDigests.Tool] {
        let bin = root.appending("bin")
        var tools = ["swift-build", "swift-frontend", "swift-driver", "clang"].compactMap { name in
            InstalledProgram.resolve(bin.appending(name)).map { InstalledProgram(name: name, path: $0) }
        }
        if !tools.isEmpty { tools[0].version = version }
        return tools.map { .program($0) }
            + [.tree(ToolTree(name: "swift-toolchain", root: root, files: try treeFiles()))]
            + linkers.map { .program($0) }
    }

    /// Without documentation, the debugger, the services for editors and the formatter, which are two fifths of it.
    private func treeFiles() throws(ToolchainError) -> [String] {
        var files: [String]
        if root == "/usr" {
            files = try ToolTree.list(root, "bin").files.filter { path in
                ["swift", "clang", "lld", "ld", "llvm"].contains { path.hasPrefix("bin/\($0)") }
            }
            for folder in ["lib/swift", "lib/swift_static", "lib/clang", "libexec/swift"] {
                files += try ToolTree.files(of: root, in: folder)
            }
        } else {
            files = try ToolTree.files(of: root, leavingOut: ["share"])
        }
        let leftOut = [
            "bin/lldb", "lib/liblldb", "bin/sourcekit-lsp", "lib/libsourcekit", "bin/clangd", "bin/docc",
            "bin/swift-format", "lib/swift/FrameworkABIBaseline/",
        ]
        return files.filter { path in !leftOut.contains { path.hasPrefix($0) } }
    }
}
