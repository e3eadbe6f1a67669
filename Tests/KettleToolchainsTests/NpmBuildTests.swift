import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleTesting
import KettleToolchains
import SystemPackage
import Testing

/// Real npm in the real sandbox.
@Suite(
    .enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"),
    .enabled("needs npm and Debian's packages") { await NodeCorpus.isAvailable }, .timeLimit(.minutes(30)))
struct NpmBuildTests {
    private let builds: ToolchainBuilds
    private let cache: FilePath
    private var scratch: ScratchFolder { builds.scratch }

    init() throws {
        builds = try ToolchainBuilds()
        cache = try builds.scratch.write(["x": ""], to: "cache")
    }

    private func npm(_ registry: PackageServer? = nil, cached: Bool = true) async throws -> NpmToolchain {
        try await NpmToolchain.locate(
            configuration: NodeConfiguration(
                registryMirror: registry?.url ?? "http://127.0.0.1:9/", cache: cached ? cache : nil))
    }

    /// A copy of a project, to change it.
    private func copy(_ project: String) throws -> FilePath {
        let copy = scratch.path.appending("\(project)-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: NodeCorpus.project(project).string, toPath: copy.string)
        return copy
    }

    private func write(_ text: String, _ name: String, in folder: FilePath) throws {
        try Data(text.utf8).write(to: URL(filePath: folder.appending(FilePath(name).components).string))
    }

    private func read(_ name: String, in folder: FilePath) throws -> String {
        try String(contentsOfFile: folder.appending(FilePath(name).components).string, encoding: .utf8)
    }

    // MARK: - What is built

    @Test func `a package is installed, built, packed and its dist archived`() async throws {
        let built = try await NodeRegistry.run { registry in
            let built = try await builds.build(try await npm(registry), NodeCorpus.project("bundled"))
            #expect(Set(registry.downloads).count == built.dependencies.count)
            return built
        }
        #expect(built.fetchStatus == 0 && built.status == 0, "\(built.shown)")
        #expect(built.artifacts.map(\.name) == ["dist.tar", "kettle-tests-bundled-1.2.3.tgz"])
        let uris = built.dependencies.compactMap(\.uri)
        #expect(uris == uris.sorted())
        #expect(uris.map { $0.prefix { $0 != "@" } }.contains("pkg:npm/uglify-js"))
        #expect(built.dependencies.allSatisfy { $0.digest["sha512"]?.count == 128 && $0.digest.count == 1 })
        let files = try await Command.run("tar", ["-tvf", built.target.appending("dist.tar").string])
        #expect(files.output.contains("dist/index.js"))
        #expect(files.output.split(separator: "\n").allSatisfy { $0.contains("0/0") && $0.contains("1980-01-01") })
    }

    @Test func `the same source gives the same artifacts, the second time without a registry`() async throws {
        let first = try await NodeRegistry.run { registry in
            try await builds.build(try await npm(registry), NodeCorpus.project("bundled"))
        }
        // npm removes what a source has in node_modules.
        let project = try copy("bundled")
        try scratch.write(
            [
                "package.json": #"{"name": "uglify-js", "version": "3.17.4", "main": "index.js"}"#,
                "index.js": "exports.minify = () => ({ code: 'evil' });\n",
            ], to: "\(project.lastComponent?.string ?? "")/node_modules/uglify-js")
        let second = try await builds.build(try await npm(), project)
        #expect(second.fetchStatus == nil && second.status == 0, "\(second.shown)")
        #expect(second.dependencies == first.dependencies)
        #expect(try digests(of: first) == digests(of: second))
        #expect(try digests(of: first).count == 2)
    }

    private func digests(of built: ToolchainBuilds.Built) throws -> [ContentDigest] {
        try built.artifacts.map { artifact in
            let file = try openBeneath(root: built.target, relative: artifact.path)
            return try ContentDigest.ofFile(descriptor: file.descriptor)
        }
    }

    @Test func `the members of a workspace are packed, and are inputs by their trees`() async throws {
        let built = try await NodeRegistry.run { registry in
            try await builds.build(try await npm(registry), NodeCorpus.project("workspace"))
        }
        #expect(built.status == 0, "\(built.shown)")
        #expect(built.artifacts.map(\.name) == ["kettle-tests-cli-2.0.0.tgz", "kettle-tests-core-1.0.0.tgz"])
        #expect(built.shown.contains("valid: 1.2.3, red: 255,0,0"))
        let members = built.dependencies.filter { $0.digest["gitTree"] != nil }
        #expect(
            members.compactMap(\.uri).map { $0.hasSuffix("#packages/cli") || $0.hasSuffix("#packages/core") } == [
                true, true,
            ])
        // It stands under another name.
        #expect(built.dependencies.contains { $0.uri?.hasPrefix("pkg:npm/color-name@") == true })
    }

    @Test func `one member of a workspace can be chosen`() async throws {
        var settings = ProjectSettings()
        settings.lists[.packages] = ["@kettle-tests/core"]
        let built = try await NodeRegistry.run { [settings] registry in
            try await builds.build(try await npm(registry), NodeCorpus.project("workspace"), settings: settings)
        }
        #expect(built.status == 0, "\(built.shown)")
        #expect(built.artifacts.map(\.name) == ["kettle-tests-core-1.0.0.tgz"])
    }

    @Test func `a tarball of the source is an input by its digest`() async throws {
        let project = try copy("glob")
        let tarball = NodeCorpus.registry.appending(FilePath("wrappy/-/wrappy-1.0.2.tgz").components)
        try FileManager.default.copyItem(atPath: tarball.string, toPath: project.appending("wrappy.tgz").string)
        let lock = try read("package-lock.json", in: project)
        try write(
            lock.replacing("https://registry.npmjs.org/wrappy/-/wrappy-1.0.2.tgz", with: "file:wrappy.tgz"),
            "package-lock.json", in: project)
        let built = try await NodeRegistry.run { registry in
            let built = try await builds.build(try await npm(registry), project)
            #expect(!registry.downloads.contains("wrappy-1.0.2.tgz"))
            return built
        }
        #expect(built.status == 0, "\(built.shown)")
        #expect(built.dependencies.contains { $0.uri?.hasSuffix("#wrappy.tgz") == true && $0.digest["sha512"] != nil })
        try Data((FileManager.default.contents(atPath: tarball.string) ?? Data()) + [0]).write(
            to: URL(filePath: project.appending("wrappy.tgz").string))
        await #expect {
            try await builds.build(try await npm(), project)
        } throws: { error in
            guard case .checksumMismatch(let package, _, _)? = error as? ToolchainError else { return false }
            return package == "wrappy@1.0.2"
        }
    }

    @Test func `a script that fails ends the build with its words`() async throws {
        let project = try copy("bundled")
        try write("const x = ;\n", "src/index.js", in: project)
        let built = try await NodeRegistry.run { registry in try await builds.build(try await npm(registry), project) }
        #expect(built.status != 0)
        #expect(built.shown.contains { $0.contains("Unexpected token") }, "\(built.shown)")
        #expect(built.artifacts.isEmpty)
    }

    // MARK: - What the build cannot do

    @Test func `an .npmrc brings in nothing that is not locked`() async throws {
        let listener = try LoopbackListener()
        defer { listener.close() }
        let project = try copy("glob")
        try write(
            """
            registry=http://127.0.0.1:\(listener.port)/
            offline=false
            prefer-online=true
            package-lock=false
            cache=/build/source/cache
            """, ".npmrc", in: project)
        let built = try await NodeRegistry.run { registry in try await builds.build(try await npm(registry), project) }
        #expect(built.status == 0, "\(built.shown)")
        #expect(listener.connections == 0)
    }

    @Test func `a package that the manifest wants and the lockfile has not fails the build`() async throws {
        let project = try copy("glob")
        try write(
            read("package.json", in: project).replacing("\"once\":", with: "\"ms\": \"*\", \"once\":"), "package.json",
            in: project)
        let built = try await NodeRegistry.run { registry in try await builds.build(try await npm(registry), project) }
        #expect(built.status != 0)
        #expect(built.shown.contains { $0.contains("registry.npmjs.org/ms failed") }, "\(built.shown)")
    }

    @Test func `a script finds the cache unwritable and no network`() async throws {
        let project = try copy("glob")
        let script = """
            const fs = require('fs');
            const walk = (f) => fs.statSync(f).isDirectory() ? fs.readdirSync(f).flatMap((n) => walk(f + '/' + n)) : [f];
            const files = walk('/build/npm');
            for (const file of files) {
              for (const change of [() => fs.appendFileSync(file, 'x'), () => fs.unlinkSync(file), () => fs.chmodSync(file, 0o777)]) {
                try { change(); console.log('CHANGED ' + file); } catch { }
              }
            }
            try { fs.writeFileSync('/build/npm/new', ''); console.log('WROTE'); } catch { }
            console.log('tried ' + files.length);
            """
        try write(script, "attack.js", in: project)
        try write(
            read("package.json", in: project).replacing(
                "\"version\":", with: "\"scripts\": {\"preinstall\": \"node attack.js\"}, \"version\":"),
            "package.json", in: project)
        let built = try await NodeRegistry.run { registry in try await builds.build(try await npm(registry), project) }
        #expect(built.status == 0, "\(built.shown)")
        #expect(built.shown.contains("tried 8"), "\(built.shown)")
        #expect(!built.shown.contains { $0.contains("CHANGED") || $0.contains("WROTE") })
    }

    // MARK: - What is refused

    @Test func `a tarball that was changed on the way is refused`() async throws {
        await #expect {
            try await NodeRegistry.run { registry in
                registry.alter("minimatch-5.1.1.tgz")
                return try await builds.build(try await npm(registry), NodeCorpus.project("glob"))
            }
        } throws: { error in
            guard case .checksumMismatch(let package, _, _)? = error as? ToolchainError else { return false }
            return package == "minimatch@5.1.1"
        }
        let kept = FileManager.default.subpaths(atPath: cache.appending("node-packages").string) ?? []
        #expect(!kept.contains { $0.contains("new-") })
    }

    @Test func `a lockfile with another digest is refused`() async throws {
        let project = try copy("glob")
        let lock = try read("package-lock.json", in: project)
        let place = try #require(lock.firstRange(of: "sha512-"))
        let letter = lock[place.upperBound]
        try write(
            lock.replacingCharacters(
                in: place.upperBound..<lock.index(after: place.upperBound), with: letter == "A" ? "B" : "A"),
            "package-lock.json", in: project)
        await #expect {
            try await NodeRegistry.run { registry in try await builds.build(try await npm(registry), project) }
        } throws: { error in
            if case .checksumMismatch? = error as? ToolchainError { true } else { false }
        }
    }

    @Test func `the digest of another package is refused, kept as it may be`() async throws {
        let project = try copy("glob")
        let lock = try read("package-lock.json", in: project)
        let pins = try NodeLockfiles.packages(in: Array(lock.utf8), named: "package-lock.json")
        func integrity(_ name: String) throws -> String {
            let pin = try #require(pins.first { $0.uri?.hasPrefix("pkg:npm/\(name)@") == true })
            let bytes = try #require([UInt8](hexadecimal: pin.digest["sha512"] ?? ""))
            return Data(bytes).base64EncodedString()
        }
        try write(
            lock.replacing(try integrity("wrappy"), with: try integrity("once")), "package-lock.json", in: project)
        await #expect {
            try await NodeRegistry.run { registry in
                _ = try await builds.build(try await npm(registry), NodeCorpus.project("glob"))
                _ = try await builds.build(try await npm(registry), project)
            }
        } throws: { error in
            guard case .checksumMismatch(let package, _, _)? = error as? ToolchainError else { return false }
            return package == "wrappy@1.0.2"
        }
    }

    @Test func `what nobody asked for is refused, and what is not there`() async throws {
        await #expect(throws: ToolchainError.unexpectedPackage(file: "evil.tgz")) {
            try await NodeRegistry.run { registry in
                try await builds.build(
                    try await npm(registry, cached: false), NodeCorpus.project("glob"),
                    betweenFetchAndCheck: { layout in
                        try Data().write(to: URL(filePath: layout.dependencies.appending("evil.tgz").string))
                    })
            }
        }
        await #expect {
            try await NodeRegistry.run { registry in
                try await builds.build(
                    try await npm(registry, cached: false), NodeCorpus.project("glob"),
                    betweenFetchAndCheck: { layout in
                        let names = try FileManager.default.contentsOfDirectory(atPath: layout.dependencies.string)
                        try FileManager.default.removeItem(
                            atPath: layout.dependencies.appending(try #require(names.first)).string)
                    })
            }
        } throws: { error in
            if case .missingPackage? = error as? ToolchainError { true } else { false }
        }
    }

    @Test func `a kept tarball that was changed is fetched again`() async throws {
        let cache = cache
        let built = try await NodeRegistry.run { registry in
            let npm = try await npm(registry)
            _ = try await builds.build(npm, NodeCorpus.project("glob"))
            let folder = cache.appending("node-packages")
            let kept = try #require(FileManager.default.subpaths(atPath: folder.string)).filter {
                $0.split(separator: "/").last.map { $0.count > 100 } ?? false
            }
            #expect(kept.count == 8)
            let poisoned = folder.appending(FilePath(try #require(kept.first)).components).string
            #expect(chmod(poisoned, 0o644) == 0)
            try Data("evil".utf8).write(to: URL(filePath: poisoned))
            let before = registry.downloads.count
            let built = try await builds.build(npm, NodeCorpus.project("glob"))
            #expect(registry.downloads.count == before + 1)
            return built
        }
        #expect(built.status == 0, "\(built.shown)")
    }

    @Test func `a project without a lockfile is refused`() async throws {
        let project = try copy("glob")
        try FileManager.default.removeItem(atPath: project.appending("package-lock.json").string)
        await #expect(throws: ToolchainError.lockfileMissing(name: "package-lock.json")) {
            try await builds.build(try await npm(), project)
        }
    }

    // MARK: - The toolchain

    @Test func `the tools are node, and npm as a whole`() async throws {
        let npm = try await npm()
        let tools = try npm.tools()
        #expect(tools.first?.name == "node")
        #expect(tools.last?.name == "npm")
        #expect(tools.allSatisfy { $0.sha256 != nil })
        #expect(tools.first?.annotations?["version"]?.stringValue?.hasPrefix("v") == true)
        #expect(try npm.tools() == tools)
    }

    @Test(arguments: ["ftp://mirror.example/", "https://mirror.example", "mirror.example/"])
    func `a registry that is none is a setting that cannot be used`(url: String) async throws {
        await #expect {
            try await NpmToolchain.locate(configuration: NodeConfiguration(registryMirror: url))
        } throws: { error in
            if case .invalidConfiguration? = error as? ToolchainError { true } else { false }
        }
    }
}
