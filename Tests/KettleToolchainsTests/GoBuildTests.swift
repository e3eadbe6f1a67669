import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// Real Go on real modules.
@Suite(
    .enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"),
    .enabled("needs the Go corpus") { await GoCorpus.isAvailable }, .serialized, .timeLimit(.minutes(30)))
struct GoBuildTests {
    private let builds: ToolchainBuilds
    private let cache: FilePath
    private var scratch: ScratchFolder { builds.scratch }

    init() throws {
        builds = try ToolchainBuilds()
        cache = try builds.scratch.write(["x": ""], to: "cache")
    }

    private func go(_ proxy: String? = nil, cache: FilePath? = nil) async throws -> GoToolchain {
        GoToolchain(
            configuration: GoConfiguration(proxy: proxy, cache: cache),
            installation: try await GoInstallation.locate(GoCorpus.go.appending("bin").appending("go")))
    }

    private func project(_ name: String, changing changes: [String: (String) -> String] = [:]) throws -> FilePath {
        let copy = scratch.path.appending("project-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: GoCorpus.project(name).string, toPath: copy.string)
        for (file, change) in changes {
            let path = copy.appending(FilePath(file).components).string
            let text = String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
            try Data(change(text).utf8).write(to: URL(filePath: path))
        }
        return copy
    }

    @Test func `a program is built from a proxy, and again from what is kept, to the same bytes`() async throws {
        let (first, second, downloads) = try await GoModuleProxy.run { [cache] proxy in
            let go = try await go(proxy.url, cache: cache)
            let first = try await builds.build(go, GoCorpus.project("hello"))
            let second = try await builds.build(go, GoCorpus.project("hello"))
            return (first, second, proxy.downloads)
        }
        #expect(first.fetchStatus == 0 && first.status == 0, "\(first.shown)")
        #expect(second.fetchStatus == nil && second.status == 0, "\(second.shown)")
        #expect(Set(downloads).count == 4 && downloads.count == 4)
        #expect(first.artifacts.map(\.name) == ["hello"])
        #expect(first.program != nil && first.program == second.program)
        #expect(
            first.dependencies.map(\.uri) == [
                "pkg:golang/github.com/google/uuid@v1.3.0", "pkg:golang/github.com/pkg/errors@v0.9.1",
            ])
        #expect(
            first.dependencies.first?.digest == [
                "dirHash": "b7a2625e09b05cc8c4b3c56eb172099360571ec9fec31f0165d4daa19e5fbbb2"
            ])
        #expect(first.dependencies == second.dependencies)
    }

    @Test func `a kept module that was changed is fetched again`() async throws {
        try await GoModuleProxy.run { [cache] proxy in
            let go = try await go(proxy.url, cache: cache)
            let layoutFiles = { try FileManager.default.subpathsOfDirectory(atPath: cache.string) }
            let first = try await builds.build(go, GoCorpus.project("hello"))
            let kept = try layoutFiles().filter { $0.hasSuffix(".zip") || $0.hasSuffix(".mod") }
            #expect(kept.count == 4)
            let other = try #require(
                FileManager.default.contents(atPath: "\(GoCorpus.proxy)/github.com/pkg/errors/@v/v0.9.1.zip"))
            for file in kept {
                try FileManager.default.removeItem(atPath: "\(cache)/\(file)")
                try other.write(to: URL(filePath: "\(cache)/\(file)"))
            }
            let second = try await builds.build(go, GoCorpus.project("hello"))
            #expect(second.status == 0, "\(second.shown)")
            #expect(second.program == first.program)
            // The zip of pkg/errors was replaced by itself.
            #expect(proxy.downloads.count == 4 + 3)
        }
    }

    @Test(arguments: ["github.com/google/uuid/@v/v1.3.0.zip", "github.com/google/uuid/@v/v1.3.0.mod"])
    func `what a proxy changed is refused`(path: String) async throws {
        let other = path.replacingOccurrences(of: "google/uuid/@v/v1.3.0", with: "pkg/errors/@v/v0.9.1")
        let bytes = try #require(FileManager.default.contents(atPath: "\(GoCorpus.proxy)/\(other)"))
        try await GoModuleProxy.run { proxy in
            proxy.alter(path) { _ in Array(bytes) }
            let go = try await go(proxy.url)
            await #expect(throws: ToolchainError.self) { try await builds.build(go, GoCorpus.project("hello")) }
        }
    }

    /// A zip of the right module with a file that is not its own.
    @Test func `a module with one file changed is refused by its sum`() async throws {
        let path = "github.com/google/uuid/@v/v1.3.0.zip"
        let folder = scratch.path.appending("changed")
        let zip = scratch.path.appending("changed.zip")
        #expect(try await Command.run("unzip", ["-q", "\(GoCorpus.proxy)/\(path)", "-d", folder.string]).status == 0)
        try Data("package uuid\n".utf8).write(to: URL(filePath: "\(folder)/github.com/google/uuid@v1.3.0/evil.go"))
        try await Command.pack(folder, as: zip)
        let bytes = try #require(FileManager.default.contents(atPath: zip.string))
        try await GoModuleProxy.run { proxy in
            proxy.alter(path) { _ in Array(bytes) }
            let go = try await go(proxy.url)
            do {
                _ = try await builds.build(go, GoCorpus.project("hello"))
                Issue.record("it was built")
            } catch ToolchainError.sumMismatch(let module, let expected, _) {
                #expect(module == "github.com/google/uuid@v1.3.0")
                #expect(expected == "h1:t6JiXgmwXMjEs8VusXIJk2BXHsn+wx8BZdTaoZ5fu7I=")
            }
        }
    }

    @Test func `what is changed between fetch and check is refused`() async throws {
        try await GoModuleProxy.run { proxy in
            let go = try await go(proxy.url)
            await #expect(throws: ToolchainError.self) {
                try await builds.build(go, GoCorpus.project("hello")) { layout in
                    for file in try FileManager.default.contentsOfDirectory(atPath: layout.dependencies.string) {
                        try Data("module github.com/google/uuid\n// changed\n".utf8)
                            .write(to: URL(filePath: "\(layout.dependencies)/\(file)"))
                    }
                }
            }
        }
    }

    @Test func `a lockfile that pins something else, or lacks a line, is refused`() async throws {
        let swapped = try project(
            "hello", changing: ["go.sum": { $0.replacing("v1.3.0 h1:t6Ji", with: "v1.3.0 h1:t7Ji") }])
        try await GoModuleProxy.run { proxy in
            let go = try await go(proxy.url)
            await #expect(throws: ToolchainError.self) { try await builds.build(go, swapped) }
        }
        for kind in ["v1.3.0 h1:", "v1.3.0/go.mod h1:"] {
            let lacking = try project(
                "hello",
                changing: [
                    "go.sum": { $0.split(separator: "\n").filter { !$0.contains(kind) }.joined(separator: "\n") }
                ])
            let go = try await go()
            await #expect(throws: ToolchainError.self) { try await builds.build(go, lacking) }
        }
    }

    @Test func `a project without go.sum that needs one is refused`() async throws {
        let project = try project("hello")
        try FileManager.default.removeItem(atPath: "\(project)/go.sum")
        let go = try await go()
        await #expect(throws: ToolchainError.lockfileMissing(name: "go.sum")) { try await builds.build(go, project) }
    }

    @Test func `vendored modules are compared with what go.sum pins, and recorded by what is there`() async throws {
        try await GoModuleProxy.run { proxy in
            let go = try await go(proxy.url)
            let built = try await builds.build(go, GoCorpus.project("hello-vendored"))
            #expect(built.status == 0, "\(built.shown)")
            #expect(proxy.downloads.allSatisfy { $0.hasSuffix(".zip") } && proxy.downloads.count == 2)
            #expect(built.dependencies.map { $0.digest.keys.sorted() } == [["gitTree"], ["gitTree"]])
            #expect(built.dependencies.first?.annotations?["vendored"] == "source")
            let changed = try project(
                "hello-vendored", changing: ["vendor/github.com/pkg/errors/errors.go": { $0 + "// changed\n" }])
            await #expect {
                try await builds.build(go, changed)
            } throws: { error in
                guard case .vendoredFileChanged(let package, "errors.go", _, _)? = error as? ToolchainError else {
                    return false
                }
                return package == "github.com/pkg/errors@v0.9.1"
            }
            for (file, package) in [
                ("github.com/google/uuid/evil.go", "github.com/google/uuid@v1.3.0"),
                ("github.com/google/evil/evil.go", "vendor/modules.txt"),
            ] {
                let added = try project("hello-vendored")
                let path = URL(filePath: "\(added)/vendor/\(file)")
                try FileManager.default.createDirectory(
                    at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data("package evil\n".utf8).write(to: path)
                await #expect {
                    try await builds.build(go, added)
                } throws: { error in
                    guard case .vendoredFileUnlisted(package, _)? = error as? ToolchainError else { return false }
                    return true
                }
            }
        }
        let unproxied = try await go()
        let missing = try project("hello-vendored")
        try FileManager.default.removeItem(atPath: "\(missing)/vendor/github.com/pkg")
        await #expect(throws: ToolchainError.notVendored(package: "github.com/pkg/errors@v0.9.1")) {
            try await builds.build(unproxied, missing)
        }
        let unpinned = try project(
            "hello-vendored", changing: ["vendor/modules.txt": { $0.replacing("errors v0.9.1", with: "errors v0.9.2") }]
        )
        await #expect(throws: ToolchainError.missingChecksum(package: "github.com/pkg/errors@v0.9.2")) {
            try await builds.build(unproxied, unpinned)
        }
    }

    @Test func `a module in another folder of the source is recorded, and one outside is refused`() async throws {
        let source = try scratch.write(
            [
                "app/go.mod":
                    "module example.com/app\ngo 1.19\nrequire example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n",
                "app/go.sum": "",
                "app/main.go": "package main\nimport \"example.com/lib\"\nfunc main() { println(lib.Name) }\n",
                "lib/go.mod": "module example.com/lib\n", "lib/lib.go": "package lib\nconst Name = \"lib\"\n",
            ], to: "workspace")
        let go = try await go()
        let built = try await builds.build(go, source, project: "app")
        #expect(built.status == 0, "\(built.shown)")
        #expect(built.artifacts.map(\.name) == ["app"])
        #expect(built.dependencies.map { $0.uri?.hasPrefix("pkg:golang/example.com/lib?") } == [true])
        #expect(built.dependencies.first?.uri?.hasSuffix("#lib") == true)
        await #expect(throws: ToolchainError.outsideSource(manifest: "go.mod", path: "../lib")) {
            try await builds.build(go, source.appending("app"))
        }
        let list = "# example.com/lib v0.0.0 => ../lib\n## explicit\nexample.com/lib\n"
        try scratch.write(
            ["modules.txt": list, "example.com/lib/lib.go": "package lib\nconst Name = \"other\"\n"],
            to: "workspace/app/vendor")
        await #expect {
            try await builds.build(go, source, project: "app")
        } throws: { error in
            guard case .vendoredFileChanged("example.com/lib@v0.0.0", "lib.go", _, _)? = error as? ToolchainError
            else { return false }
            return true
        }
        // Not even the digest of what a link leads to is told.
        try FileManager.default.removeItem(atPath: "\(source)/lib/lib.go")
        try FileManager.default.createSymbolicLink(
            atPath: "\(source)/lib/lib.go", withDestinationPath: "/etc/passwd")
        let unlisted = ToolchainError.vendoredFileUnlisted(package: "example.com/lib@v0.0.0", file: "lib.go")
        await #expect(throws: unlisted) { try await builds.build(go, source, project: "app") }
        let twice = "# example.com/lib v0.0.1 => ../lib\nexample.com/lib\n"
        try scratch.write(["modules.txt": list + twice], to: "workspace/app/vendor")
        await #expect(throws: ToolchainError.vendoredTwice(package: "example.com/lib")) {
            try await builds.build(go, source, project: "app")
        }
    }

    @Test func `a module without programs is built to its zip, which Go takes`() async throws {
        let go = try await go()
        let built = try await builds.build(go, GoCorpus.uuid)
        #expect(built.status == 0, "\(built.shown)")
        #expect(built.artifacts.map(\.name) == ["uuid@v0.0.0-00010101000000-e3b0c44298fc.zip"])
        let again = try await builds.build(go, GoCorpus.uuid)
        #expect(built.program != nil && built.program == again.program)
        // Go's own reading of the zip: it has the files of the release.
        let proxy = scratch.path.appending("made-proxy")
        let base = "\(proxy)/github.com/google/uuid/@v/v0.0.0-00010101000000-e3b0c44298fc"
        try FileManager.default.createDirectory(
            atPath: "\(proxy)/github.com/google/uuid/@v", withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: "\(built.target)/\(try #require(built.artifacts.first).path)", toPath: base + ".zip")
        try FileManager.default.copyItem(atPath: "\(GoCorpus.uuid)/go.mod", toPath: base + ".mod")
        try Data(#"{"Version":"v0.0.0-00010101000000-e3b0c44298fc"}"#.utf8).write(to: URL(filePath: base + ".info"))
        let user = try scratch.write(["go.mod": "module example.com/user\n"], to: "user")
        let version = "v0.0.0-00010101000000-e3b0c44298fc"
        let variables = [
            "GOPROXY=file://\(proxy)", "GOSUMDB=off", "GOENV=off", "GOFLAGS=-mod=mod", "GOPATH=\(scratch.path)/gopath",
            "GOCACHE=\(scratch.path)/gocache",
        ]
        let ended = try await Command.run(
            "env",
            variables + [
                "\(GoCorpus.go)/bin/go", "mod", "download", "-modcacherw", "github.com/google/uuid@\(version)",
            ],
            in: user)
        #expect(ended.status == 0, "\(ended.everything)")
    }

    @Test func `three programs of go-toml are three artifacts`() async throws {
        let go = try await go()
        let built = try await builds.build(go, GoCorpus.goTOML)
        #expect(built.status == 0, "\(built.shown)")
        #expect(built.artifacts.map(\.name) == ["jsontoml", "tomljson", "tomll", "tomltestgen"])
        var settings = ProjectSettings()
        settings.lists[.packages] = ["./cmd/tomll"]
        let one = try await builds.build(go, GoCorpus.goTOML, settings: settings)
        #expect(one.artifacts.map(\.name) == ["tomll"])
    }

    @Test func `two programs of one name are refused`() async throws {
        let main = "package main\nfunc main() {}\n"
        let source = try scratch.write(
            ["go.mod": "module example.com/two\n", "a/tool/main.go": main, "b/tool/main.go": main], to: "two")
        let go = try await go()
        await #expect(throws: ToolchainError.duplicateArtifact(name: "tool")) { try await builds.build(go, source) }
    }

    @Test func `the tools are the program and the whole toolchain`() async throws {
        let tools = try await go(cache: cache).tools()
        #expect(tools.map(\.name) == ["go", "go-toolchain"])
        #expect(tools.allSatisfy { $0.digest["sha256"]?.count == 64 })
    }
}
