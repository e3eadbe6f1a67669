import Glibc
import KettleSandbox
import SystemPackage

/// A Rust toolchain of the operator's and the C toolchain that links for it.
struct RustInstallation: Sendable {
    /// Where a toolchain is mounted that is not part of the system.
    private static let mountPoint = "/toolchain/rust"

    /// The toolchain's root on the host, links resolved: rustc's "sysroot".
    let root: FilePath

    /// Where the root is mounted inside; nil for a distribution's toolchain, which is in `/usr` anyway.
    let mountedRoot: String?

    /// What `rustc -vV` and `cargo -vV` say first.
    let rustcVersion: String
    let cargoVersion: String

    /// What rustc links with, by name, as found inside too.
    let linkers: [InstalledProgram]

    // Paths inside the sandbox.
    var programs: String { (mountedRoot ?? root.string) + "/bin" }
    var cargo: String { programs + "/cargo" }
    var rustc: String { programs + "/rustc" }
    var rustdoc: String { programs + "/rustdoc" }

    /// Asks the `rustc` on the operator's path, which may be rustup's proxy, and then the real programs.
    static func locate() async throws(ToolchainError) -> RustInstallation {
        let sysroot = try await InstalledProgram.ask("rustc", ["--print", "sysroot"])
        guard sysroot.hasPrefix("/"), let root = InstalledProgram.resolve(FilePath(sysroot)) else {
            throw .toolchainMissing(tool: "rustc", reason: "it names no folder as its sysroot")
        }
        for program in ["rustc", "cargo"] where access(root.appending("bin").appending(program).string, X_OK) != 0 {
            throw .toolchainMissing(tool: program, reason: "the toolchain has no bin/\(program)")
        }
        return RustInstallation(
            root: root, mountedRoot: root.starts(with: "/usr") ? nil : mountPoint,
            rustcVersion: try await InstalledProgram.ask(
                "rustc", at: root.appending("bin").appending("rustc"), ["-vV"]),
            cargoVersion: try await InstalledProgram.ask(
                "cargo", at: root.appending("bin").appending("cargo"), ["-vV"]),
            linkers: try await locateLinkers())
    }

    /// The C compiler that rustc calls to link, and what that takes along.
    private static func locateLinkers() async throws(ToolchainError) -> [InstalledProgram] {
        let places = SandboxCommand.standardSearchPath.split(separator: ":").map {
            FilePath(String($0)).appending("cc")
        }
        guard let cc = places.lazy.compactMap({ InstalledProgram.resolve($0) }).first else {
            throw .toolchainMissing(tool: "cc", reason: "there is no C compiler to link with")
        }
        var programs = [
            InstalledProgram(
                name: "cc", path: cc, version: try await InstalledProgram.ask("cc", at: cc, ["--version"]))
        ]
        for name in ["ld", "collect2"] {
            let answer = try await InstalledProgram.ask("cc", at: cc, ["-print-prog-name=\(name)"])
            let path = answer.hasPrefix("/") ? FilePath(answer) : FilePath("/usr/bin").appending(answer)
            if let path = InstalledProgram.resolve(path) { programs.append(InstalledProgram(name: name, path: path)) }
        }
        for name in ["crt1.o", "crti.o", "libgcc.a", "libc.so.6"] {
            let answer = try await InstalledProgram.ask("cc", at: cc, ["-print-file-name=\(name)"])
            if answer.hasPrefix("/"), let path = InstalledProgram.resolve(FilePath(answer)) {
                programs.append(InstalledProgram(name: name, path: path))
            }
        }
        return programs
    }

    /// All that decides what becomes of a source, in the statement's order.
    func tools() throws(ToolchainError) -> [ToolDigests.Tool] {
        let bin = root.appending("bin")
        return [
            .program(InstalledProgram(name: "rustc", path: bin.appending("rustc"), version: rustcVersion)),
            .program(InstalledProgram(name: "cargo", path: bin.appending("cargo"), version: cargoVersion)),
            .tree(ToolTree(name: "rust-toolchain", root: root, files: try treeFiles())),
        ] + linkers.map { .program($0) }
    }

    /// Without `share/` (documentation). Of a distribution's toolchain, whose root is the whole of `/usr`, only Rust's own programs
    /// and libraries.
    private func treeFiles() throws(ToolchainError) -> [String] {
        guard root.starts(with: "/usr") else { return try ToolTree.files(of: root, leavingOut: ["share"]) }
        var files = ["bin/rustc", "bin/cargo"]
        for folder in ["lib", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"] {
            files += try ToolTree.list(root, folder).files.filter { path in
                ["librustc_driver", "libstd-", "libLLVM"].contains { path.hasPrefix("\(folder)/\($0)") }
            }
        }
        return files + (try ToolTree.files(of: root, in: "lib/rustlib"))
    }
}
