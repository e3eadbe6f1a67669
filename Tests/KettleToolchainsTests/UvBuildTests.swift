import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// Real uv on real projects.
@Suite(
    .enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"),
    .enabled("needs the Python corpus") { await PythonCorpus.isAvailable }, .serialized, .timeLimit(.minutes(30)))
struct UvBuildTests {
    private let builds: ToolchainBuilds
    private let cache: FilePath
    private var scratch: ScratchFolder { builds.scratch }

    init() throws {
        builds = try ToolchainBuilds()
        cache = try builds.scratch.write(["x": ""], to: "cache")
    }

    private func uv(
        _ mirror: String? = nil, backends: FilePath? = nil, cache: FilePath? = nil
    ) async throws -> UvToolchain {
        UvToolchain(
            configuration: UvConfiguration(filesMirror: mirror, backends: backends, cache: cache),
            installation: try await UvInstallation.locate(PythonCorpus.uv))
    }

    private func project(_ original: FilePath, changing changes: [String: (String) -> String]) throws -> FilePath {
        let copy = scratch.path.appending("project-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: original.string, toPath: copy.string)
        for (file, change) in changes {
            let path = "\(copy)/\(file)"
            let text = String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
            try Data(change(text).utf8).write(to: URL(filePath: path))
        }
        return copy
    }

    @Test func `a project whose lockfile has its backend builds, and again from what is kept, to the same bytes`()
        async throws
    {
        let (first, second, downloads) = try await PythonMirror.run { [cache] mirror in
            let uv = try await uv(mirror.url, cache: cache)
            let first = try await builds.build(uv, PythonCorpus.dynamicVersioning)
            let second = try await builds.build(uv, PythonCorpus.dynamicVersioning)
            return (first, second, mirror.downloads)
        }
        #expect(first.fetchStatus == 0 && first.status == 0, "\(first.shown)")
        #expect(second.fetchStatus == nil && second.status == 0, "\(second.shown)")
        #expect(downloads.count == first.dependencies.count && Set(downloads).count == downloads.count)
        #expect(
            first.artifacts.map(\.name) == [
                "uv_dynamic_versioning-0.11.2-py3-none-any.whl", "uv_dynamic_versioning-0.11.2.tar.gz",
            ])
        #expect(first.program != nil && first.program == second.program)
        #expect(first.dependencies == second.dependencies)
        #expect(first.dependencies.contains { $0.uri == "pkg:pypi/hatchling@1.27.0" })
        #expect(first.dependencies.allSatisfy { $0.digest["sha256"]?.count == 64 })
    }

    @Test func `flask builds with the operator's backend, which is recorded`() async throws {
        try await PythonMirror.run { [cache] mirror in
            let uv = try await uv(mirror.url, backends: PythonCorpus.backends, cache: cache)
            let built = try await builds.build(uv, PythonCorpus.flask)
            #expect(built.status == 0, "\(built.shown)")
            #expect(built.artifacts.map(\.name) == ["flask-3.1.3-py3-none-any.whl", "flask-3.1.3.tar.gz"])
            let supplied = built.dependencies.filter { $0.annotations?["supplied"] == "builder" }
            #expect(supplied.map(\.uri) == ["pkg:pypi/flit-core@3.12.0"])

            // Nothing is fetched any more, so this fails by the lockfile's age alone.
            let stale = try project(
                PythonCorpus.flask,
                changing: ["pyproject.toml": { $0.replacing("blinker>=1.9.0", with: "blinker>=99") }])
            let refused = try await builds.build(uv, stale)
            #expect(refused.fetchStatus == nil && refused.status != 0)
            #expect(refused.shown.contains { $0.contains("blinker>=99") }, "\(refused.shown)")
        }
    }

    /// uv builds for its own backend without a package, so nothing is fetched.
    @Test func `a member of a workspace is built, and the others are recorded`() async throws {
        let uv = try await uv()
        let root = try await builds.build(uv, PythonCorpus.workspace)
        #expect(root.fetchStatus == nil && root.status == 0, "\(root.shown)")
        #expect(root.artifacts.map(\.name) == ["app-0.1.0-py3-none-any.whl", "app-0.1.0.tar.gz"])
        #expect(root.dependencies.map { $0.uri?.hasPrefix("pkg:pypi/lib?") } == [true])
        #expect(root.dependencies.first?.uri?.hasSuffix("#lib") == true)
        #expect(root.dependencies.first?.digest["gitTree"]?.count == 40)
        var settings = ProjectSettings()
        settings.lists[.packages] = ["lib"]
        let member = try await builds.build(uv, PythonCorpus.workspace, settings: settings)
        #expect(member.artifacts.map(\.name) == ["lib-0.1.0-py3-none-any.whl", "lib-0.1.0.tar.gz"], "\(member.shown)")
    }

    @Test func `a backend that nobody pins is refused`() async throws {
        let uv = try await uv()
        await #expect(throws: ToolchainError.backendNotPinned(package: "flit-core")) {
            try await builds.build(uv, PythonCorpus.flask)
        }
    }

    @Test func `a file that the mirror changed is refused`() async throws {
        try await PythonMirror.run { mirror in
            mirror.alter("hatchling-1.27.0-py3-none-any.whl")
            let uv = try await uv(mirror.url)
            do {
                _ = try await builds.build(uv, PythonCorpus.dynamicVersioning)
                Issue.record("it was built")
            } catch ToolchainError.checksumMismatch(let package, _, _) {
                #expect(package == "hatchling 1.27.0")
            }
        }
    }

    @Test func `a lockfile that pins something else is refused`() async throws {
        let hash = "sha256:e0b6ff5ee0a2dfa1a39bd3b2a3d3d0f4"
        let changed = try project(
            PythonCorpus.dynamicVersioning,
            changing: [
                "uv.lock": { text in
                    text.replacing(#/jinja2-3\.1\.6-py3-none-any\.whl", hash = "sha256:[0-9a-f]{32}/#) { _ in
                        "jinja2-3.1.6-py3-none-any.whl\", hash = \"\(hash)"
                    }
                }
            ])
        try await PythonMirror.run { mirror in
            let uv = try await uv(mirror.url)
            do {
                _ = try await builds.build(uv, changed)
                Issue.record("it was built")
            } catch ToolchainError.checksumMismatch(let package, _, _) {
                #expect(package == "jinja2 3.1.6")
            }
        }
    }

    @Test func `a kept file that was changed is fetched again`() async throws {
        try await PythonMirror.run { [cache] mirror in
            let uv = try await uv(mirror.url, cache: cache)
            let first = try await builds.build(uv, PythonCorpus.dynamicVersioning)
            let before = mirror.downloads.count
            let store = cache.appending("python-packages")
            let kept = try FileManager.default.subpathsOfDirectory(atPath: store.string).filter { $0.contains("/") }
            let poisoned = "\(store)/\(try #require(kept.first))"
            try FileManager.default.removeItem(atPath: poisoned)
            try Data("poison".utf8).write(to: URL(filePath: poisoned))
            let second = try await builds.build(uv, PythonCorpus.dynamicVersioning)
            #expect(second.status == 0, "\(second.shown)")
            #expect(mirror.downloads.count == before + 1)
            #expect(second.program == first.program)
        }
    }

    @Test func `what is changed between fetch and check is refused`() async throws {
        try await PythonMirror.run { mirror in
            let uv = try await uv(mirror.url)
            await #expect(throws: ToolchainError.self) {
                try await builds.build(uv, PythonCorpus.dynamicVersioning) { layout in
                    for file in try FileManager.default.contentsOfDirectory(atPath: layout.dependencies.string) {
                        try Data("changed".utf8).write(to: URL(filePath: "\(layout.dependencies)/\(file)"))
                    }
                }
            }
        }
    }

    @Test func `a project without uv.lock is refused`() async throws {
        let source = try scratch.write(["pyproject.toml": "[project]\nname = \"x\"\nversion = \"1\"\n"], to: "lockless")
        let uv = try await uv()
        await #expect(throws: ToolchainError.lockfileMissing(name: "uv.lock")) { try await builds.build(uv, source) }
    }

    @Test func `the tools are uv, the interpreter and its library`() async throws {
        let tools = try await uv().tools()
        #expect(tools.map(\.name) == ["uv", "python3", "python-library"])
        #expect(tools.allSatisfy { $0.digest["sha256"]?.count == 64 })
    }
}
