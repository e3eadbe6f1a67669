import Foundation
import Glibc
import KettleError
import KettleProvenance
import KettleSandbox
import KettleSource
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// Flakes, built by real Nix without network, from inputs that Kettle fetched and compared.
@Suite(
    .enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"),
    .enabled(if: Command.isInstalled("nix"), "nix is not installed"), .timeLimit(.minutes(30)))
struct NixBuildTests {
    private static let revision = String(repeating: "1", count: 40)
    static let words = "/example/words/archive/\(revision).tar.gz"

    let builds: ToolchainBuilds
    var scratch: ScratchFolder { builds.scratch }

    init() throws { builds = try ToolchainBuilds() }

    func nix(_ github: String? = nil) async throws -> NixToolchain {
        try await NixToolchain.locate(configuration: NixConfiguration(github: github.map { "\($0)/" }))
    }

    /// A flake that says the words of its input, and its lockfile.
    private static func flake(input: String, original: String, locked: String) -> [String: String] {
        [
            "flake.nix": """
            {
              inputs.words = { url = "\(input)"; flake = false; };
              outputs = { self, words }: {
                packages.x86_64-linux.default = derivation {
                  name = "greeter"; system = "x86_64-linux"; builder = "/bin/sh"; PATH = "/usr/bin:/bin";
                  args = [ "-c" ''
                    mkdir -p $out/bin
                    { echo '#!/bin/sh'; echo "echo $(cat ${words}/words.txt)"; } > $out/bin/greet
                    chmod +x $out/bin/greet
                    ln -s greet $out/bin/hi
                  '' ];
                };
                packages.x86_64-linux.other = derivation {
                  name = "other"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo other > $out" ];
                };
              };
            }
            """,
            "flake.lock": """
            {"nodes": {"root": {"inputs": {"words": "words"}},
              "words": {"flake": false, "locked": \(locked), "original": \(original)}}, "root": "root", "version": 7}
            """,
        ]
    }

    static func github(_ digest: ContentDigest) -> [String: String] {
        flake(
            input: "github:example/words", original: #"{"type": "github", "owner": "example", "repo": "words"}"#,
            locked: """
                {"type": "github", "owner": "example", "repo": "words", "rev": "\(revision)", "lastModified": 1700000000,
                 "narHash": "sha256-\(Data(digest.bytes).base64EncodedString())"}
                """)
    }

    func write(_ files: [String: String]) throws -> FilePath {
        try scratch.write(files, to: "flake-\(UInt64.random(in: 0 ... .max))")
    }

    /// - Returns: The archive as a forge packs it, and the hash of its files.
    func pack(_ words: String) async throws -> (archive: [UInt8], digest: ContentDigest) {
        let top = try scratch.write(["words-1111/words.txt": words], to: "top-\(UInt64.random(in: 0 ... .max))")
        let archive = FilePath(top.string + ".tar.gz")
        let ended = try await Command.run("tar", ["-czf", archive.string, "words-1111"], in: top)
        guard ended.status == 0 else { throw CommandFailed(program: "tar", ended: ended) }
        return (
            Array(try Data(contentsOf: URL(filePath: archive.string))),
            try NixArchive.hash(top.appending("words-1111"))
        )
    }

    @Test func `a flake without inputs builds what its settings name`() async throws {
        let files = [
            "flake.nix": """
            { outputs = { self }: { packages.x86_64-linux.file = derivation {
                name = "file"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo made > $out" ];
            }; }; }
            """
        ]
        var settings = ProjectSettings()
        settings.lists[.targets] = ["file"]
        let built = try await builds.build(try await nix(), try write(files), settings: settings)
        #expect(built.status == 0, "\(built.shown)")
        #expect(built.fetchStatus == nil && built.dependencies.isEmpty)
        #expect(built.artifacts.map(\.name) == ["file.nar"])
        let text = "made\n"
        let output = try scratch.write(["out": text], to: "expected").appending("out")
        #expect(built.program == (try NixArchive.hash(output)))
    }

    @Test func `an input is fetched as an archive, compared and built from`() async throws {
        let (archive, digest) = try await pack("hello from a lock")
        try await FileServer.serving([Self.words: archive]) { server in
            let built = try await builds.build(
                try await nix(server.address), try write(Self.github(digest)), betweenFetchAndCheck: { _ in })
            #expect(built.fetchStatus == 0 && built.status == 0, "\(built.shown)")
            #expect(server.asked == [Self.words])
            #expect(built.dependencies.map(\.uri) == ["pkg:github/example/words@\(Self.revision)"])
            #expect(built.dependencies.map(\.digest) == [["sha256": digest.hex]])
            // The link in bin is in the archive alone.
            #expect(built.artifacts.map(\.name) == ["greet", "greeter.nar"])
            let program = built.target.appending(FilePath(try #require(built.artifacts.first).path).components)
            #expect(try await Command.run(program.string, []).output == "hello from a lock\n")
        }
    }

    @Test func `an archive with other files than the lockfile's is refused`() async throws {
        let (_, digest) = try await pack("hello")
        let (other, actual) = try await pack("hullo")
        try await FileServer.serving([Self.words: other]) { server in
            await #expect(
                throws: ToolchainError.checksumMismatch(package: "words", expected: digest.hex, actual: actual.hex)
            ) { try await builds.build(try await nix(server.address), try write(Self.github(digest))) }
            server.set(Self.words, Array("no archive".utf8))
            await #expect {
                try await builds.build(try await nix(server.address), try write(Self.github(digest)))
            } throws: { ($0 as? ToolchainError)?.code == "toolchain.unusable_package" }
        }
    }

    @Test func `a commit of a git repository is compared by its tree and by the hash of its files`() async throws {
        try await GitRepositories.serving { repositories in
            let words = try await repositories.make("words", ["words.txt": "hello from git"])
            let commit = try await words.git("rev-parse", "HEAD")
            let plain = try scratch.write(["words.txt": "hello from git"], to: "plain")
            let digest = try NixArchive.hash(plain)
            func files(_ digest: ContentDigest) -> [String: String] {
                Self.flake(
                    input: "git+\(words.url)", original: #"{"type": "git", "url": "\#(words.url)"}"#,
                    locked: """
                        {"type": "git", "url": "\(words.url)", "rev": "\(commit)", "lastModified": 1700000000,
                         "revCount": 1, "narHash": "sha256-\(Data(digest.bytes).base64EncodedString())"}
                        """)
            }
            let built = try await builds.build(try await nix(), try write(files(digest)))
            #expect(built.fetchStatus == 0 && built.status == 0, "\(built.shown)")
            let tree = try await words.git("rev-parse", "HEAD^{tree}")
            #expect(
                built.dependencies.map(\.digest)
                    == [["sha256": digest.hex, "gitCommit": commit, "gitTree": tree]])
            let wrong = ContentDigest(of: [])
            await #expect(
                throws: ToolchainError.checksumMismatch(package: "words", expected: wrong.hex, actual: digest.hex)
            ) { try await builds.build(try await nix(), try write(files(wrong))) }
            await #expect {
                try await builds.build(try await nix(), try write(files(digest))) { layout in
                    let file = layout.dependencies.appending(FilePath("checkouts/0/words.txt").components)
                    try Data("changed".utf8).write(to: URL(filePath: file.string))
                }
            } throws: { ($0 as? ToolchainError)?.code == "toolchain.checkout_mismatch" }
        }
    }

    @Test func `what the lockfile does not pin is not had during the build`() async throws {
        let (archive, digest) = try await pack("hello")
        try await FileServer.serving([Self.words: archive]) { server in
            // An input that is not locked.
            var files = Self.github(digest)
            files["flake.nix"] = files["flake.nix"]?.replacing(
                "inputs.words", with: "inputs.more.url = \"github:example/more\"; inputs.words")
            let unlocked = try await builds.build(try await nix(server.address), try write(files))
            #expect(unlocked.status != 0)
            #expect(unlocked.shown.contains { $0.contains("unable to download") }, "\(unlocked.shown)")
            // A file that the flake's code fetches.
            files = Self.github(digest)
            files["flake.nix"] = files["flake.nix"]?.replacing(
                "name = \"greeter\"",
                with: """
                    more = builtins.fetchurl { url = "\(server.address)\(Self.words)"; sha256 = "\(digest.hex)"; };
                    name = "greeter"
                    """)
            let fetching = try await builds.build(try await nix(server.address), try write(files))
            #expect(fetching.status != 0)
            #expect(fetching.shown.contains { $0.contains("unable to download") }, "\(fetching.shown)")
            #expect(server.asked == [Self.words, Self.words])
        }
    }

    @Test func `a URL of a lockfile has no way to the operator's mirror`() async throws {
        let hash = "sha256-\(Data(ContentDigest(of: []).bytes).base64EncodedString())"
        let lock = { (host: String) in
            """
            {"nodes": {"root": {"inputs": {"a": "a", "b": "b"}},
              "a": {"flake": false, "locked": {"type": "github", "owner": "example", "repo": "a", "rev": "\(Self.revision)",
                "narHash": "\(hash)"}, "original": {"type": "github", "owner": "example", "repo": "a"}},
              "b": {"flake": false, "locked": {"type": "tarball", "url": "https://\(host)/b.tar.gz", "narHash": "\(hash)"},
                "original": {"type": "tarball", "url": "https://\(host)/b.tar.gz"}}}, "root": "root", "version": 7}
            """
        }
        func steps(_ host: String) async throws -> [BuildStep] {
            let folder = try scratch.write(
                ["source/flake.nix": "{ }", "source/flake.lock": lock(host), "inputs/x": ""], to: "urls-\(host)")
            let layout = BuildLayout(
                source: folder.appending("source"), project: "", target: folder.appending("target"),
                dependencies: folder.appending("dependencies"), inputs: folder.appending("inputs"))
            return try await nix("https://mirror.example").plan(layout).fetchSteps(with: [])
        }
        #expect(
            try await steps("b.example").map { $0.command.network.policy?.endpoints.map(\.name) }
                == [["mirror.example:443"], ["b.example:443"]])
        await #expect(throws: ToolchainError.self) { try await steps("mirror.example") }
    }

    @Test func `a store that a build turned into a link is not followed`() async throws {
        let scratch = try scratch.write(
            ["source/flake.nix": "{ }", "target/nix/kept": "", "secret/file": "x"], to: "link")
        let layout = BuildLayout(
            source: scratch.appending("source"), project: "", target: scratch.appending("target"),
            dependencies: scratch.appending("dependencies"), inputs: scratch.appending("inputs"))
        let name = String(repeating: "a", count: 32) + "-out"
        #expect(rename(scratch.appending("secret").string, scratch.appending(name).string) == 0)
        #expect(symlink(scratch.string, scratch.appending(FilePath("target/nix/store").components).string) == 0)
        let plan = try await nix().plan(layout)
        #expect(throws: ToolchainError.self) {
            try plan.artifacts(announced: [ArtifactPath(name: "out", path: "nix/store/\(name)")])
        }
    }
}
