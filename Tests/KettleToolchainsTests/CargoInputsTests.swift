import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// Where a project's crates come from, decided from its files alone.
@Suite struct CargoInputsTests {
    let scratch: ScratchFolder
    let cargo: CargoToolchain

    init() async throws {
        scratch = try ScratchFolder()
        cargo = try await CargoToolchain.locate(configuration: CargoConfiguration())
    }

    private static let origin = SourceOrigin.archive(ContentDigest(of: Array("an archive".utf8)))
    private static let checksum = ContentDigest(of: Array("a crate".utf8)).hex
    private static let locked = """
        version = 4
        [[package]]
        name = "app"
        version = "0.1.0"
        [[package]]
        name = "b"
        version = "1.0.0"
        source = "registry+https://github.com/rust-lang/crates.io-index"
        checksum = "\(checksum)"
        """
    private static let vendoring = """
        [source.crates-io]
        replace-with = "vendored-sources"
        [source.vendored-sources]
        directory = "vendor"
        """

    private func layout(_ files: [String: String], project: String = "") throws -> BuildLayout {
        var files = files
        for (name, text) in [
            "Cargo.toml": "[package]\nname = \"app\"\nversion = \"0.1.0\"\n", "Cargo.lock": Self.locked,
        ] where files[name] == nil { files[name] = text }
        let source = try scratch.write(files, to: "source")
        return BuildLayout(
            source: source, project: project, target: scratch.path.appending("target"),
            dependencies: scratch.path.appending("dependencies"), inputs: scratch.path.appending("inputs"))
    }

    private func plan(_ folder: FilePath) throws -> any BuildPlan {
        try cargo.plan(
            BuildLayout(
                source: folder, project: "", target: scratch.path.appending("target"),
                dependencies: scratch.path.appending("dependencies"), inputs: scratch.path.appending("inputs")))
    }

    private func verify(_ layout: BuildLayout) throws -> [ResourceDescriptor] {
        try cargo.plan(layout).verifyInputs(of: Self.origin, with: []).dependencies
    }

    private func expectRefusal(_ code: String, _ layout: BuildLayout) throws {
        #expect(try cargo.plan(layout).fetchCommand == nil)
        #expect { try verify(layout) } throws: { ($0 as? ToolchainError)?.code == code }
    }

    // MARK: - Lockfile

    @Test func `a project without a lockfile is told so`() throws {
        let folder = try scratch.write(["Cargo.toml": "[package]"], to: "bare")
        #expect(throws: ToolchainError.lockfileMissing(name: "Cargo.lock")) { try plan(folder) }
    }

    @Test func `a lockfile that is a link or a pipe is refused`() throws {
        let folder = try scratch.write(["Cargo.toml": "[package]"], to: "odd")
        try FileManager.default.createSymbolicLink(
            atPath: folder.appending("Cargo.lock").string, withDestinationPath: "/etc/passwd")
        #expect {
            try plan(folder)
        } throws: { ($0 as? ToolchainError)?.code == "toolchain.unreadable_file" }
        unlink(folder.appending("Cargo.lock").string)
        #expect(mkfifo(folder.appending("Cargo.lock").string, 0o600) == 0)
        #expect {
            try plan(folder)
        } throws: { ($0 as? ToolchainError)?.code == "toolchain.unreadable_file" }
    }

    @Test func `a huge lockfile is refused unread`() throws {
        let folder = try scratch.write(["Cargo.lock": ""], to: "huge")
        #expect(truncate(folder.appending("Cargo.lock").string, 5 << 40) == 0 || errno == EFBIG)
        if errno == EFBIG { #expect(truncate(folder.appending("Cargo.lock").string, 1 << 40) == 0) }
        #expect {
            try plan(folder)
        } throws: { ($0 as? ToolchainError)?.code == "toolchain.unreadable_file" }
    }

    // MARK: - Supply

    @Test func `a project without crates fetches nothing and depends on nothing`() throws {
        let layout = try layout(["Cargo.lock": "version = 4\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n"])
        #expect(try cargo.plan(layout).fetchCommand == nil)
        #expect(try verify(layout) == [])
    }

    @Test func `crates are fetched with the project's configuration hidden`() throws {
        let layout = try layout([
            ".cargo/config.toml": "[build]\nrustc-wrapper = \"/build/source/evil\"\n[http]\nproxy = \"evil:1\"\n",
            ".cargo/config": "[net]\noffline = true\n",
        ])
        let command = try #require(try cargo.plan(layout).fetchCommand)
        #expect(command.network.policy?.endpoints.map(\.name) == ["index.crates.io:443", "static.crates.io:443"])
        #expect(Array(command.arguments.dropFirst()) == ["fetch", "--locked"])
        for file in [".cargo/config.toml", ".cargo/config"] {
            #expect(command.mounts.contains(.text("", at: "/build/source/\(file)")))
        }
        #expect(command.mounts.contains(.readOnly(layout.source, at: "/build/source")))
        #expect(command.environment["RUSTC_WRAPPER"] == "")
        #expect(command.environment["PATH"] == "/toolchain/rust/bin" || command.environment["PATH"] == "/usr/bin")
        #expect(try cargo.plan(layout).buildCommand.network == .none)
    }

    @Test(arguments: [
        ("sparse+https://mirror.example/index/", "mirror.example:443"),
        ("sparse+http://127.0.0.1:8081/index/", "127.0.0.1:8081"), ("sparse+http://Mirror/", "mirror:80"),
        ("sparse+https://user:secret@mirror.example:8443/", "mirror.example:8443"),
        ("sparse+http://[::1]:81/index/", "[::1]:81"), ("sparse+https://[::1]/", "[::1]:443"),
    ])
    func `of a mirror only its own host and port are reached, at any address`(url: String, endpoint: String) throws {
        let configuration = CargoConfiguration(registryMirror: url)
        try configuration.check()
        #expect(configuration.endpoints.map(\.name) == [endpoint])
        #expect(configuration.endpoints.map(\.addresses) == [.lookedUp])
    }

    @Test(arguments: ["sparse+http:///", "sparse+http://host:0/", "sparse+http://host:x/", "sparse+http://[::1/"])
    func `a mirror without a host and port to connect to is refused`(url: String) {
        #expect(throws: ToolchainError.self) { try CargoConfiguration(registryMirror: url).check() }
    }

    @Test func `crates of the public registry come from public addresses, and vendored ones from nowhere`() {
        #expect(CargoConfiguration().endpoints.allSatisfy { $0.addresses == .lookedUpIfPublic })
        #expect(CargoConfiguration(vendorDirectory: "/vendor").endpoints == [])
    }

    @Test func `vendoring may stand above the project's folder`() throws {
        let layout = try layout(
            VendoredCrate("b", checksum: Self.checksum).files.merging([
                ".cargo/config": Self.vendoring, "sub/Cargo.lock": Self.locked,
                "sub/Cargo.toml": "[package]\nname = \"app\"\nversion = \"0.1.0\"\n",
            ]) { $1 }, project: "sub")
        #expect(try verify(layout).map(\.uri) == ["pkg:cargo/b@1.0.0"])
    }

    @Test func `a vendored folder that is one by words and another by links is refused`() throws {
        let text = Self.vendoring.replacing("\"vendor\"", with: "\"link/../vendor\"")
        var files = VendoredCrate("b", checksum: Self.checksum).files
        files.merge([".cargo/config.toml": text, "deep/x/y": "", "deep/vendor/z": ""]) { $1 }
        let layout = try layout(files)
        #expect(symlink("deep/x", layout.source.appending("link").string) == 0)
        try expectRefusal("toolchain.source_replacement", layout)
    }

    @Test func `what the source vendors is read-only for the build`() throws {
        var files = VendoredCrate("b", checksum: Self.checksum).files
        files[".cargo/config.toml"] = Self.vendoring
        let layout = try layout(files)
        #expect(
            try cargo.plan(layout).buildCommand.mounts.last
                == .readOnly(layout.source.appending("vendor"), at: "/build/source/vendor"))
    }

    @Test func `packages of other registries need vendoring, and those of git are asked for`() throws {
        let commit = String(repeating: "1", count: 40)
        for (source, checksum) in [
            ("source = \"git+https://x.example/d#\(commit)\"", nil),
            ("source = \"sparse+https://x.example/\"\nchecksum = \"\(Self.checksum)\"", Self.checksum),
        ] {
            let lock = Self.locked + "\n[[package]]\nname = \"d\"\nversion = \"2.0.0\"\n\(source)\n"
            let layout = try layout(["Cargo.lock": lock])
            if checksum != nil {
                try expectRefusal("toolchain.unsupported_source", layout)
            } else {
                #expect(
                    try cargo.plan(layout).repositories() == [
                        GitMirrorRequest(
                            url: "https://x.example/d", commits: [.init(reference: .head, id: commit)])
                    ])
            }
            var files = VendoredCrate("b", checksum: Self.checksum).files
            files.merge(VendoredCrate("d", version: "2.0.0", checksum: checksum).files) { $1 }
            files.merge(["Cargo.lock": lock, ".cargo/config.toml": Self.vendoring]) { $1 }
            let dependencies = try verify(try self.layout(files))
            #expect(dependencies.count == 2)
            #expect(try cargo.plan(layout).repositories() == [])
            #expect(dependencies[1].digest["sha256"] == checksum)
            #expect(dependencies[1].annotations?["lockedCommit"] == (checksum == nil ? .string(commit) : nil))
            unlink(layout.source.appending(".cargo/config.toml").string)
        }
    }

    // MARK: - Replacing sources

    @Test(arguments: [
        "paths = [\"other\"]\n", "include = [\"other.toml\"]\n", "[source]\n",
        "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\nregistry = \"https://evil.example\"\n",
        "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\nlocal-registry = \"vendor\"\n",
        "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\ngit = \"https://evil.example\"\n",
        "[source.crates-io]\nreplace-with = \"x\"\n",
        "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\nreplace-with = \"crates-io\"\n",
        "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\ndirectory = \"/usr/share/cargo/registry\"\n",
        "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\ndirectory = \"../vendor\"\n",
        "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\ndirectory = \"a/../../vendor\"\n",
        "[source.x]\ndirectory = \"vendor\"\n", "source = 1\n", "[source]\ncrates-io = \"x\"\n",
        "[source.crates-io]\nreplace-with = [\"x\"]\n[source.x]\ndirectory = \"vendor\"\n",
        "[\"sou\\u0072ce\".crates-io]\nreplace-with = \"x\"\n[source.x]\nregistry = \"https://evil.example\"\n",
        "source.crates-io.replace-with = \"x\"\nsource.x.registry = \"https://evil.example\"\n",
    ])
    func `any other replacement of sources is refused`(text: String) throws {
        for name in ["config.toml", "config"] {
            try expectRefusal("toolchain.source_replacement", try layout([".cargo/\(name)": text]))
            unlink(scratch.path.appending("source").appending(".cargo").appending(name).string)
        }
    }

    @Test func `packages are not patched by configuration where crates are fetched`() throws {
        let patch = "[patch.crates-io]\nb = { path = \"lib\" }\n"
        try expectRefusal("toolchain.source_replacement", try layout([".cargo/config.toml": patch]))
    }

    @Test func `two files that replace sources are refused`() throws {
        try expectRefusal(
            "toolchain.source_replacement",
            try layout([".cargo/config.toml": Self.vendoring, ".cargo/config": Self.vendoring]))
    }

    @Test func `configuration behind a link or broken is refused`() throws {
        let layout = try layout(["elsewhere/config.toml": Self.vendoring])
        try FileManager.default.createSymbolicLink(
            atPath: layout.source.appending(".cargo").string, withDestinationPath: "elsewhere")
        try expectRefusal("toolchain.unreadable_file", layout)
        unlink(layout.source.appending(".cargo").string)
        try expectRefusal("toolchain.malformed_file", try self.layout([".cargo/config.toml": "[source"]))
    }

    // MARK: - Workspaces

    @Test(arguments: [
        ["Cargo.toml": "[workspace]\nmembers = [\"sub\"]\n"],
        ["sub/Cargo.toml": "[package]\nname = \"app\"\nworkspace = \"../other\"\n", "Cargo.toml": "[package]\n"],
        ["sub/Cargo.toml": "package.workspace = \"x\"\n", "Cargo.toml": "[package]\n"],
    ])
    func `a lockfile that cargo would not use is refused`(files: [String: String]) throws {
        var files = files
        files["sub/Cargo.lock"] = Self.locked
        if files["sub/Cargo.toml"] == nil { files["sub/Cargo.toml"] = "[package]\nname = \"app\"\n" }
        try expectRefusal("toolchain.not_the_workspace_root", try layout(files, project: "sub"))
    }

    @Test func `a workspace of its own in a workspace is fine`() throws {
        let layout = try layout(
            [
                "Cargo.toml": "[workspace]\n", "sub/Cargo.toml": "[package]\nname = \"app\"\n[workspace]\n",
                "sub/Cargo.lock": Self.locked,
            ], project: "sub")
        #expect(try cargo.plan(layout).fetchCommand?.workingDirectory == "/build/source/sub")
    }

    @Test(arguments: ["https://x.example/", "sparse+https://x.example", "sparse+https://x\"\n/", "sparse+ftp://x/"])
    func `a registry that is none is refused at start`(url: String) async {
        await #expect {
            try await CargoToolchain.locate(configuration: CargoConfiguration(registryMirror: url))
        } throws: { ($0 as? ToolchainError)?.code == "toolchain.invalid_configuration" }
    }
}
