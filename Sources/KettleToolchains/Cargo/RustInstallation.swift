import Glibc
import KettleSandbox
import Subprocess
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
    let linkers: [Program]

    struct Program: Sendable, Hashable {
        var name: String
        /// Links resolved.
        var path: FilePath
        /// What it says about itself, where it does.
        var version: String?
    }

    // Paths inside the sandbox.
    var programs: String { (mountedRoot ?? root.string) + "/bin" }
    var cargo: String { programs + "/cargo" }
    var rustc: String { programs + "/rustc" }
    var rustdoc: String { programs + "/rustdoc" }

    /// Asks the `rustc` on the operator's path, which may be rustup's proxy, and then the real programs.
    static func locate() async throws(ToolchainError) -> RustInstallation {
        let sysroot = try await ask("rustc", .name("rustc"), ["--print", "sysroot"])
        guard sysroot.hasPrefix("/"), let root = resolve(FilePath(sysroot)) else {
            throw .toolchainMissing(tool: "rustc", reason: "it names no folder as its sysroot")
        }
        for program in ["rustc", "cargo"] where access(root.appending("bin").appending(program).string, X_OK) != 0 {
            throw .toolchainMissing(tool: program, reason: "the toolchain has no bin/\(program)")
        }
        return RustInstallation(
            root: root, mountedRoot: root.starts(with: "/usr") ? nil : mountPoint,
            rustcVersion: try await ask("rustc", .path(root.appending("bin").appending("rustc")), ["-vV"]),
            cargoVersion: try await ask("cargo", .path(root.appending("bin").appending("cargo")), ["-vV"]),
            linkers: try await locateLinkers())
    }

    /// The C compiler that rustc calls to link, and what that takes along.
    private static func locateLinkers() async throws(ToolchainError) -> [Program] {
        let places = SandboxCommand.standardSearchPath.split(separator: ":").map {
            FilePath(String($0)).appending("cc")
        }
        guard let cc = places.lazy.compactMap({ resolve($0) }).first else {
            throw .toolchainMissing(tool: "cc", reason: "there is no C compiler to link with")
        }
        var programs = [Program(name: "cc", path: cc, version: try await ask("cc", .path(cc), ["--version"]))]
        for name in ["ld", "collect2"] {
            let answer = try await ask("cc", .path(cc), ["-print-prog-name=\(name)"])
            let path = answer.hasPrefix("/") ? FilePath(answer) : FilePath("/usr/bin").appending(answer)
            if let path = resolve(path) { programs.append(Program(name: name, path: path)) }
        }
        for name in ["crt1.o", "crti.o", "libgcc.a", "libc.so.6"] {
            let answer = try await ask("cc", .path(cc), ["-print-file-name=\(name)"])
            if answer.hasPrefix("/"), let path = resolve(FilePath(answer)) {
                programs.append(Program(name: name, path: path))
            }
        }
        return programs
    }

    /// The first line that a program prints. It runs in `/`, where no project's files can change what it says.
    private static func ask(
        _ tool: String, _ executable: Executable, _ arguments: [String]
    ) async throws(ToolchainError) -> String {
        do {
            let result = try await run(
                executable, arguments: Arguments(arguments), workingDirectory: "/", output: .string(limit: 16_384),
                error: .discarded)
            if result.terminationStatus.isSuccess, let line = result.standardOutput.split(separator: "\n").first {
                return String(line)
            }
        } catch {
            throw .toolchainMissing(tool: tool, reason: "it cannot be run")
        }
        throw .toolchainMissing(tool: tool, reason: "it does not answer \(arguments.joined(separator: " "))")
    }

    private static func resolve(_ path: FilePath) -> FilePath? {
        guard let resolved = realpath(path.string, nil) else { return nil }
        defer { free(resolved) }
        return FilePath(String(cString: resolved))
    }
}
