import Foundation
import Glibc
import KettleProvenance
import KettleSource
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// The packages of a project that stand in the source itself.
@Suite struct PathPackagesTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private static func manifest(_ name: String, version: String = "version = \"0.1.0\"", _ more: String = "") -> String
    {
        "[package]\nname = \"\(name)\"\n\(version)\n\(more)\n"
    }

    private static func lock(_ names: String...) -> String {
        "version = 4\n" + names.map { "[[package]]\nname = \"\($0)\"\nversion = \"0.1.0\"\n" }.joined()
    }

    private func layout(_ files: [String: String], project: String = "") throws -> BuildLayout {
        let source = try scratch.write(files, to: "source-\(UInt64.random(in: 0 ... .max))")
        return BuildLayout(
            source: source, project: project, target: scratch.path.appending("target"),
            dependencies: scratch.path.appending("dependencies"), inputs: scratch.path.appending("inputs"))
    }

    private func verify(
        _ layout: BuildLayout, of origin: SourceOrigin = .repository(url: "https://x.example/p", commit: "c0ffee")
    ) async throws -> [ResourceDescriptor] {
        let cargo = try await CargoToolchain.locate(configuration: CargoConfiguration())
        return try cargo.plan(layout).verifyInputs(of: origin, with: []).dependencies
    }

    private func code(_ files: [String: String], project: String = "") async throws -> String? {
        do {
            _ = try await verify(try layout(files, project: project))
            return nil
        } catch let error as ToolchainError {
            return error.code
        }
    }

    /// All the ways by which cargo finds a package of the source.
    @Test(arguments: [
        "[dependencies]\nhelper = { path = \"lib/helper\" }",
        "[dependencies.x]\npackage = \"helper\"\npath = \"./lib//helper/\"",
        "[dev-dependencies]\nhelper.path = \"lib/helper\"",
        "[build-dependencies]\nhelper = { path = \"lib/../lib/helper\" }",
        "[target.'cfg(unix)'.dependencies]\nhelper = { path = \"lib/helper\" }",
        "[workspace]\nmembers = [\"lib/helper\"]", "[workspace]\nmembers = [\"lib/*\"]",
        "[workspace]\nmembers = [\"l?b/h[a-e]*\"]",
        "[workspace]\nmembers = [\"**\"]", "[workspace]\n[workspace.dependencies]\nhelper = { path = \"lib/helper\" }",
        "[patch.crates-io]\nhelper = { path = \"lib/helper\" }",
        "[replace]\n\"helper:0.1.0\" = { path = \"lib/helper\" }",
        "[dependencies]\nhelper = { path = \"linked\" }",
    ])
    func `a package of the source is known by the tree of its folder`(more: String) async throws {
        let layout = try layout([
            "Cargo.toml": Self.manifest("app", more), "Cargo.lock": Self.lock("app", "helper"),
            "lib/helper/Cargo.toml": Self.manifest("helper"), "lib/helper/src/lib.rs": "pub fn f() {}\n",
            "lib/empty/README": "no package",
        ])
        #expect(symlink("lib/helper", layout.source.appending("linked").string) == 0)
        let tree = try GitTree.identify(layout.source.appending(FilePath("lib/helper").components)).sha1
        #expect(
            try await verify(layout) == [
                ResourceDescriptor(
                    uri: "pkg:cargo/helper@0.1.0?vcs_url=git%2Bhttps:%2F%2Fx.example%2Fp%40c0ffee#lib/helper",
                    digest: ["gitTree": tree])
            ])
    }

    @Test func `of an archive the package is named by the archive's digest`() async throws {
        let layout = try layout(
            [
                "sub/Cargo.toml": Self.manifest("app", "[dependencies]\nhelper = { path = \"../b\u{FC}cher\" }"),
                "sub/Cargo.lock": Self.lock("app", "helper"), "b\u{FC}cher/Cargo.toml": Self.manifest("helper"),
            ], project: "sub")
        let digest = ContentDigest(of: Array("an archive".utf8))
        #expect(
            try await verify(layout, of: .archive(digest)).map(\.uri) == [
                "pkg:cargo/helper@0.1.0?checksum=sha256:\(digest)#b%C3%BCcher"
            ])
    }

    @Test func `packages of packages are followed, in circles too`() async throws {
        let layout = try layout([
            "Cargo.toml": Self.manifest("app", "[workspace]\n[dependencies]\na = { path = \"a\" }"),
            "Cargo.lock": Self.lock("app", "a", "b"),
            "a/Cargo.toml": Self.manifest(
                "a", version: "version.workspace = true", "[dependencies]\nb = { path = \"../b\" }"),
            "b/Cargo.toml": Self.manifest("b", "[dev-dependencies]\na = { path = \"../a\" }"),
        ])
        #expect(try await verify(layout).map { $0.uri?.split(separator: "#").last } == ["a", "b"])
    }

    @Test(arguments: ["../helper", "/etc", "a/../../helper", "nowhere", "", "out", "x\\u0000y"])
    func `a path that leads out of the source, or nowhere, is refused`(path: String) async throws {
        let expected = path.isEmpty ? "toolchain.package_not_found" : "toolchain.outside_source"
        for more in [
            "[dependencies]\nhelper = { path = \"\(path)\" }", "[patch.crates-io]\nhelper = { path = \"\(path)\" }",
            "[workspace]\nmembers = [\"\(path)\"]",
        ] {
            let layout = try layout([
                "Cargo.toml": Self.manifest("app", more), "Cargo.lock": Self.lock("app", "helper"), "a/x": "",
            ])
            #expect(symlink("../..", layout.source.appending("out").string) == 0)
            await #expect {
                try await verify(layout)
            } throws: { ($0 as? ToolchainError)?.code == expected }
        }
    }

    @Test(.timeLimit(.minutes(30))) func `patterns that find the same folders over and over come to an end`()
        async throws
    {
        var files = [
            "Cargo.toml": "[workspace]\nmembers = [\"\(String(repeating: "**/", count: 40))x\"]\n",
            "Cargo.lock": Self.lock("helper"),
        ]
        for number in 0..<600 { files["d\(number % 6)/e\(number)/x/Cargo.toml"] = Self.manifest("p\(number)") }
        #expect(try await code(files) == "toolchain.unreadable_file")
    }

    /// cargo takes `..` by words, the kernel by links: the package would be another than the one that is recorded.
    @Test(arguments: ["link/../helper", "link/./../helper"])
    func `a path that means one folder by words and another by links is refused`(path: String) async throws {
        let layout = try layout([
            "Cargo.toml": Self.manifest("app", "[dependencies]\nhelper = { path = \"\(path)\" }"),
            "Cargo.lock": Self.lock("app", "helper"), "helper/Cargo.toml": Self.manifest("helper"),
            "deep/helper/Cargo.toml": Self.manifest("helper"), "deep/x/y": "",
        ])
        #expect(symlink("deep/x", layout.source.appending("link").string) == 0)
        await #expect {
            try await verify(layout)
        } throws: { ($0 as? ToolchainError)?.code == "toolchain.outside_source" }
    }

    @Test func `a member behind a link is found as cargo finds it`() async throws {
        let layout = try layout([
            "Cargo.toml": Self.manifest("app", "[workspace]\nmembers = [\"crates/*\"]"),
            "Cargo.lock": Self.lock("app", "helper"), "elsewhere/Cargo.toml": Self.manifest("helper"), "crates/x": "",
        ])
        #expect(symlink("../elsewhere", layout.source.appending("crates").appending("helper").string) == 0)
        #expect(try await verify(layout).map { $0.uri?.split(separator: "#").last } == ["elsewhere"])
    }

    @Test func `packages inside packages inside packages are not read without end`() async throws {
        var files = ["Cargo.toml": Self.manifest("app", "[workspace]\nmembers = [\"**\"]")]
        var folder = ""
        for number in 0..<12 {
            folder += "p\(number)/"
            files["\(folder)Cargo.toml"] = Self.manifest("p\(number)")
        }
        files["Cargo.lock"] =
            "version = 4\n"
            + (["app"] + (0..<12).map { "p\($0)" })
            .map { "[[package]]\nname = \"\($0)\"\nversion = \"0.1.0\"\n" }.joined()
        #expect(try await code(files) == "toolchain.unusable_package")
    }

    @Test(.timeLimit(.minutes(30))) func `a hundred thousand patterns come to an end`() async throws {
        let patterns = (0..<100_000).map { "\"*\(String(repeating: "?", count: $0 % 50))a\($0)\"" }.joined(
            separator: ",")
        var files = ["Cargo.toml": "[workspace]\nmembers = [\(patterns)]\n", "Cargo.lock": Self.lock("helper")]
        for number in 0..<200 { files["d\(number)/x"] = "" }
        #expect(try await code(files) == "toolchain.unreadable_file")
    }

    @Test func `a patch in cargo's configuration is followed too`() async throws {
        let files = [
            "Cargo.toml": Self.manifest("app"), "Cargo.lock": Self.lock("app", "helper"),
            "lib/Cargo.toml": Self.manifest("helper"),
        ]
        let patched = { (path: String) in
            files.merging([".cargo/config.toml": "[patch.crates-io]\nhelper = { path = \"\(path)\" }\n"]) { $1 }
        }
        #expect(try await verify(try layout(patched("lib"))).count == 1)
        #expect(try await code(patched("../lib")) == "toolchain.outside_source")
        #expect(try await code(files) == "toolchain.package_not_found")
    }

    @Test func `a package of another version is not the one that is locked`() async throws {
        let files = [
            "Cargo.toml": Self.manifest("app", "[dependencies]\nhelper = { path = \"lib\" }"),
            "Cargo.lock": Self.lock("app", "helper"),
            "lib/Cargo.toml": Self.manifest("helper", version: "version = \"0.2.0\""),
        ]
        #expect(try await code(files) == "toolchain.package_not_found")
    }

    @Test func `a folder without a manifest is refused`() async throws {
        let files = [
            "Cargo.toml": Self.manifest("app", "[dependencies]\nhelper = { path = \"lib\" }"),
            "Cargo.lock": Self.lock("app", "helper"), "lib/README": "",
        ]
        #expect(try await code(files) == "toolchain.unreadable_file")
    }
}
