import Foundation
import KettleProvenance
import KettleSandbox
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// Flakes whose derivations need the network, built by real Nix without it.
@Suite(
    .enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"),
    .enabled(if: Command.isInstalled("nix"), "nix is not installed"), .timeLimit(.minutes(30)))
struct NixFetchTests {
    private let builds: ToolchainBuilds
    private var scratch: ScratchFolder { builds.scratch }

    init() throws { builds = try ToolchainBuilds() }

    private func build(
        _ files: [String: String] = FetchingFlake.files(), _ configuration: NixConfiguration,
        targets: [String] = [], evaluatingToo script: String? = nil,
        beforeCheck: (BuildLayout) throws -> Void = { _ in }
    ) async throws -> ToolchainBuilds.Built {
        var settings = ProjectSettings()
        settings.lists[.targets] = targets
        return try await builds.build(
            try await NixToolchain.locate(configuration: configuration),
            try scratch.write(files, to: "flake-\(UUID().uuidString)"), settings: settings, evaluatingToo: script,
            beforeEvaluatedCheck: beforeCheck)
    }

    private func output(of built: ToolchainBuilds.Built) async throws -> String {
        let program = try #require(built.artifacts.first { $0.name == "speak" }, "\(built.shown)")
        return try await Command.run(
            built.target.appending(FilePath(program.path).components).string, []
        ).output
    }

    @Test func `a file that a derivation pins is fetched, compared and built from`() async throws {
        try await FileServer.serving([FetchingFlake.mirroredPath: Array(FetchingFlake.word.utf8)]) { server in
            let configuration = NixConfiguration(hashedMirror: "\(server.address)/")
            let built = try await build(configuration)
            #expect(built.status == 0, "\(built.shown)")
            #expect(try await output(of: built) == FetchingFlake.builtOutput)
            #expect(server.asked == [FetchingFlake.mirroredPath])
            // Of the URL that the flake names nothing was had.
            let digest = ContentDigest(of: FetchingFlake.word.utf8)
            let path = try #require(StorePath(fixed: digest, isArchive: false, named: "word.txt"))
            #expect(
                built.dependencies.map(\.uri)
                    == ["pkg:generic/word.txt?store_path=\(path.text.replacing("/", with: "%2F"))"])
            #expect(built.dependencies.map(\.digest) == [["sha256": "\(ContentDigest(of: FetchingFlake.word.utf8))"]])

            let expected = ContentDigest(of: FetchingFlake.word.utf8).hex
            let changed = ToolchainError.checksumMismatch(
                package: "word.txt", expected: expected, actual: ContentDigest(of: "changed".utf8).hex)
            server.set(FetchingFlake.mirroredPath, Array("changed".utf8))
            await #expect(throws: changed) { try await build(configuration) }
            server.set(FetchingFlake.mirroredPath, Array(FetchingFlake.word.utf8))
            await #expect(throws: changed) {
                try await build(configuration) { layout in
                    let folder = layout.dependencies.appending("derivations").string
                    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
                    let name = try #require(names.first { $0.hasSuffix(".file") })
                    try Data("changed".utf8).write(to: URL(filePath: "\(folder)/\(name)"))
                }
            }
        }
    }

    private func build(
        _ configuration: NixConfiguration, beforeCheck: (BuildLayout) throws -> Void = { _ in }
    ) async throws -> ToolchainBuilds.Built {
        try await build(FetchingFlake.files(), configuration, beforeCheck: beforeCheck)
    }

    @Test func `a file is had from the host that its URL names, and from no other`() async throws {
        let built = try await build(NixConfiguration())
        #expect(built.status != 0)
        #expect(built.shown.contains { $0.contains("curl: ") }, "\(built.shown)")
        for (url, host) in [
            ("https://a.example/b", "a.example"), ("https://a.example?b", "a.example"), ("http://a.example/b", nil),
            ("https://a.example:8443/b", nil), ("https://me@a.example/b", nil), ("https://[::1]/b", nil),
            ("https:///b", nil), ("https://a\\b/c", nil), ("file:///etc/passwd", nil),
        ] {
            #expect(RegistryURL.publicHost(of: url) == host, "\(url)")
        }
        #expect(
            RegistryURL.public(andWhereItSendsTo: "a.example").map(\.name) == ["a.example:443"])
    }

    @Test func `an executable file is compared as a Nix archive`() async throws {
        // Made by hand: what the archive of an executable file with this content is.
        let file = try scratch.write(["run": FetchingFlake.word], to: "executable").appending("run")
        #expect(chmod(file.string, 0o755) == 0)
        let digest = try NixArchive.hash(file)
        let path = try #require(StorePath(fixed: digest, isArchive: true, named: "word.txt"))
        let fixed = Derivation.FixedOutput(algorithm: "sha256", isArchive: true, digest: digest.hex)
        var derivation = try #require(Derivation(parsing: Array(Self.term(path: path.text).utf8)))
        derivation.environment["executable"] = "1"
        let pinned = try PinnedFile(fixed, of: derivation, hasMirror: false)
        #expect(pinned.isExecutable && pinned.isArchive && pinned.digest == digest)
    }

    private static func term(path: String) -> String {
        #"Derive([("out","\#(path)","r:sha256","00")],[],[],"builtin","builtin:fetchurl",[],[("url","https://a.example/b")])"#
    }

    @Test(arguments: [
        ("url = \"http://words.invalid/word.txt\";", "none of its URLs begins with https://"),
        ("unpack = true;", "it is unpacked while it is fetched"),
        ("outputHashAlgo = \"sha1\"; outputHash = \"da39a3ee5e6b4b0d3255bfef95601890afd80709\";", "pinned by sha1"),
        ("builder = \"/bin/sh\"; postFetch = \"true\";", "what a program of its own makes"),
        ("builder = \"/bin/sh\"; url = \"\";", "names no URL"),
    ])
    func `what fetches in another way is refused by name`(attributes: String, reason: String) async throws {
        let files = FetchingFlake.files(more: attributes)
        await #expect {
            try await build(files, NixConfiguration())
        } throws: { error in
            guard let error = error as? ToolchainError else { return false }
            return error.code == "toolchain.cannot_be_fetched" && error.message.contains("word.txt")
                && error.message.contains(reason)
        }
    }

    // MARK: - Binary caches

    @Test func `what a binary cache has and signed is taken from there, with all that it needs`() async throws {
        let cache = try await FetchingFlake.makeCache(in: scratch)
        try await FileServer.serving(cache.files) { server in
            let built = try await build(
                NixConfiguration(binaryCacheURL: server.address, binaryCacheKey: cache.publicKey))
            #expect(built.status == 0, "\(built.shown)")
            #expect(try await output(of: built) == FetchingFlake.cachedOutput)
            let paths = [cache.base, cache.library]
            #expect(
                built.dependencies.map(\.uri)
                    == paths.map { "pkg:generic/\($0.dropFirst(44))?store_path=\($0.replacing("/", with: "%2F"))" })
            #expect(
                built.dependencies.map { $0.sha256.map { "sha256:\(NixBase32.encode($0.bytes))" } }
                    == paths.map { cache.value("NarHash", of: $0) })
            #expect(
                built.dependencies.allSatisfy {
                    $0.annotations?["signedBy"]?.stringValue?.hasPrefix("test-cache-1:") == true
                })
            // Level by level, and never what the flake was asked for.
            let archives = Set(paths.compactMap { cache.value("URL", of: $0).map { "/\($0)" } })
            #expect(Array(server.asked.prefix(2)) == [cache.library, cache.base].map(cache.path(ofInfo:)))
            #expect(Set(server.asked.dropFirst(2)) == archives && server.asked.count == 4)
        }
    }

    @Test func `a binary cache that was tampered with is refused`() async throws {
        let cache = try await FetchingFlake.makeCache(in: scratch)
        let other = try await FetchingFlake.makeCache(in: scratch)
        let info = cache.path(ofInfo: cache.base)
        let archives = try [cache.base, cache.library].map { "/\(try #require(cache.value("URL", of: $0)))" }
        try await FileServer.serving(cache.files) { server in
            let configuration = NixConfiguration(
                binaryCacheURL: server.address, binaryCacheKey: cache.publicKey)
            func expectRefusal(_ reason: String, _ path: String, _ bytes: [UInt8]?) async throws {
                server.set(path, bytes)
                await #expect {
                    try await build(configuration)
                } throws: { error in
                    guard let error = error as? ToolchainError else { return false }
                    return error.code == "toolchain.cannot_be_fetched" && error.message.contains(reason)
                }
                server.set(path, cache.files[path])
            }
            // Another archive, packed as well as the first.
            try await expectRefusal("is not what it signed", archives[0], cache.files[archives[1]])
            // What another key signed, under the same name; another hash; something else altogether; a path less.
            try await expectRefusal("not signed by test-cache-1", info, other.files[info])
            let text = String(decoding: try #require(cache.files[info]), as: UTF8.self)
            let hashes = try [cache.base, cache.library].map { try #require(cache.value("NarHash", of: $0)) }
            try await expectRefusal(
                "not signed by test-cache-1", info, Array(text.replacing(hashes[0], with: hashes[1]).utf8))
            try await expectRefusal("does not describe it", info, Array("<html>".utf8))
            try await expectRefusal("does not describe it", info, cache.files[cache.path(ofInfo: cache.library)])
            try await expectRefusal("has something that needs it", info, nil)
            // An archive that is none ends the step that unpacks it.
            server.set(archives[0], Array("no archive".utf8))
            let built = try await build(configuration)
            #expect(built.status != 0 && built.artifacts.isEmpty, "\(built.shown)")
        }
    }

    @Test func `what a cache has of a pinned file is compared with the file's digest`() async throws {
        let sha1 = "outputHashAlgo = \"sha1\"; outputHash = \"47265105ec5517e46aec2ed5310c177e1e811af8\";"
        for (word, attributes, isExpected) in [
            (FetchingFlake.word, "", true), (FetchingFlake.word, sha1, true), ("another", "", false),
        ] {
            let cache = try await FetchingFlake.makeCache(in: scratch, word: word, more: attributes)
            var files = cache.files
            for path in [cache.library, cache.base] { files[cache.path(ofInfo: path)] = nil }
            try await FileServer.serving(files) { server in
                let configuration = NixConfiguration(
                    binaryCacheURL: server.address, binaryCacheKey: cache.publicKey)
                guard isExpected else {
                    let (expected, actual) = (ContentDigest(of: FetchingFlake.word.utf8), ContentDigest(of: word.utf8))
                    await #expect(
                        throws: ToolchainError.checksumMismatch(
                            package: "word.txt", expected: expected.hex, actual: actual.hex)
                    ) { try await build(configuration) }
                    return
                }
                let built = try await build(FetchingFlake.files(more: attributes), configuration)
                #expect(built.status == 0, "\(built.shown)")
                #expect(try await output(of: built) == FetchingFlake.builtOutput)
                #expect(
                    built.dependencies.map { $0.annotations?["notCompared"] }
                        == [attributes.isEmpty ? nil : "with the sha1 that its derivation pins"])
            }
        }
    }

    @Test func `what was asked for is not the cache's, though the evaluation lied`() async throws {
        let cache = try await FetchingFlake.makeCache(in: scratch)
        try await FileServer.serving(cache.files) { server in
            let configuration = NixConfiguration(binaryCacheURL: server.address, binaryCacheKey: cache.publicKey)
            await #expect(
                throws: ToolchainError.cannotBeFetched(
                    package: "base", reason: "it is to be built, and this one was fetched as it is")
            ) {
                try await build(
                    FetchingFlake.files(), configuration, targets: ["base", "default"],
                    evaluatingToo: "cp -f /build/evaluation/1 /build/evaluation/0")
            }
        }
    }

    @Test func `what changed after it was unpacked is refused`() async throws {
        let cache = try await FetchingFlake.makeCache(in: scratch)
        try await FileServer.serving(cache.files) { server in
            let digest = try #require(cache.value("NarHash", of: cache.base))
            await #expect {
                try await build(
                    NixConfiguration(binaryCacheURL: server.address, binaryCacheKey: cache.publicKey)
                ) { layout in
                    let file = layout.dependencies.appending(
                        FilePath("derivations/unpacked/nar/\(digest.dropFirst(7)).nar").components)
                    try Data("changed".utf8).write(to: URL(filePath: file.string))
                }
            } throws: { ($0 as? ToolchainError)?.code == "toolchain.checksum_mismatch" }
        }
    }

    @Test func `a binary cache without a key, or with none that is one, is the operator's mistake`() {
        let key = NixCache.standardKey
        for (url, key) in [
            ("https://cache.example/", nil), ("ftp://cache.example/", key), ("https://cache.example/", "no key"),
            ("https://cache.example/", "name:AAAA"),
        ] as [(String, String?)] {
            #expect(throws: ToolchainError.self) {
                try NixConfiguration(binaryCacheURL: url, binaryCacheKey: key).binaryCache()
            }
        }
        #expect(throws: Never.self) { try NixConfiguration(binaryCacheURL: NixCache.standardURL).binaryCache() }
    }
}
