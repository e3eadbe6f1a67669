import Glibc
import KettleSandbox
import SystemPackage

/// uv, and the interpreter that it builds with: a Python of the system's.
struct UvInstallation: Sendable {
    /// Where uv is mounted that is not part of the system.
    private static let mountPoint = "/toolchain/uv"

    /// Links resolved.
    let program: FilePath
    let uvVersion: String

    let python: FilePath
    let pythonVersion: String
    /// The standard library.
    let library: FilePath
    let platform: PythonPlatform

    /// nil for a uv that is part of the system.
    var mount: SandboxMount? { program.starts(with: "/usr") ? nil : .readOnly(program, at: Self.mountPoint) }
    var uv: String { program.starts(with: "/usr") ? program.string : Self.mountPoint }

    /// Asks the uv on the operator's path, or another one, and the first Python 3 of the system.
    static func locate(_ named: FilePath? = nil) async throws(ToolchainError) -> UvInstallation {
        guard let program = named.flatMap(InstalledProgram.resolve) ?? InstalledProgram.find("uv") else {
            throw .toolchainMissing(tool: "uv", reason: "it is not on the PATH")
        }
        let version = try await InstalledProgram.ask("uv", at: program, ["--version"])
        // Only what is below /usr is there in the sandbox.
        let places = SandboxCommand.standardSearchPath
        guard let python = InstalledProgram.find("python3", on: places), python.starts(with: "/usr") else {
            throw .toolchainMissing(tool: "python3", reason: "the system has none")
        }
        let question = """
            import sys, os, platform, sysconfig; print(sys.implementation.name, sys.version_info[0], sys.version_info[1], \
            platform.machine(), os.confstr("CS_GNU_LIBC_VERSION").split()[1], sysconfig.get_path("stdlib"))
            """
        let answer = try await InstalledProgram.ask("python3", at: python, ["-I", "-c", question])
        let words = answer.split(separator: " ").map(String.init)
        guard words.count == 6, words[0] == "cpython", words[1] == "3", let minor = Int(words[2]),
            let glibc = words[4].split(separator: ".").last.flatMap({ Int($0) }), words[4].hasPrefix("2."),
            words[5].hasPrefix("/usr/"), let library = InstalledProgram.resolve(FilePath(words[5]))
        else { throw .toolchainMissing(tool: "python3", reason: "it is not a CPython 3 of the system's") }
        return UvInstallation(
            program: program, uvVersion: version, python: python,
            pythonVersion: try await InstalledProgram.ask("python3", at: python, ["--version"]), library: library,
            platform: PythonPlatform(minor: minor, machine: words[3], glibcMinor: glibc))
    }

    /// uv, the interpreter and its standard library.
    func tools() throws(ToolchainError) -> [ToolDigests.Tool] {
        [
            .program(InstalledProgram(name: "uv", path: program, version: uvVersion)),
            .program(InstalledProgram(name: "python3", path: python, version: pythonVersion)),
            .tree(
                ToolTree(
                    name: "python-library", root: library,
                    // Packages that were installed beside it take no part, nor what Python itself writes.
                    files: try ToolTree.files(of: library, leavingOut: ["dist-packages", "site-packages"])
                        .filter { !$0.hasSuffix(".pyc") })),
        ]
    }
}
