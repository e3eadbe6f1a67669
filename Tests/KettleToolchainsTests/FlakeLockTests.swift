import KettleProvenance
import Testing

@testable import KettleToolchains

@Suite struct FlakeLockTests {
    private static let revision = String(repeating: "ab", count: 20)
    private static let narHash = "sha256-7xpd0VPR53074K048P6VjdZWj++naGVtNjia36q0SVU="

    private func lock(_ text: String) throws -> FlakeLock { try FlakeLock(parsing: Array(text.utf8)) }

    /// A lockfile with one input, of which `locked` is what it is locked to.
    private func file(_ locked: String, name: String = "a", version: Int = 7) -> String {
        """
        {"nodes": {"root": {"inputs": {"a": "\(name)"}}, "\(name)": {"locked": \(locked), "original": {}}},
         "root": "root", "version": \(version)}
        """
    }

    private func github(
        owner: String = "o", repo: String = "r", rev: String = revision, hash: String = narHash
    ) -> String {
        #"{"type": "github", "owner": "\#(owner)", "repo": "\#(repo)", "rev": "\#(rev)", "narHash": "\#(hash)"}"#
    }

    @Test(arguments: [5, 6, 7]) func `an input is known by its origin and the hash of its files`(version: Int) throws {
        let found = try lock(file(github(), version: version))
        let input = try #require(found.inputs.first)
        #expect(found.inputs.count == 1)
        #expect(input.name == "a")
        #expect(input.origin == .github(owner: "o", repository: "r", revision: Self.revision))
        #expect(input.narHash?.hex == "ef1a5dd153d1e77d3be0ad38f0fe958dd6568fefa768656d36389adfaab44955")
        #expect(found.dependencies == ["": ["a"], "a": []])
        #expect(input.packageURL == "pkg:github/o/r@\(Self.revision)")
    }

    @Test func `git, archives and folders of the source are taken too`() throws {
        let hash = "\"narHash\": \"\(Self.narHash)\""
        for (locked, origin) in [
            (
                #"{"type": "git", "url": "https://x.example/r", "rev": "\#(Self.revision)", \#(hash)}"#,
                FlakeInput.Origin.git(url: "https://x.example/r", revision: Self.revision, submodules: false)
            ),
            (
                #"{"type": "git", "url": "https://x.example/r", "rev": "\#(Self.revision)", "submodules": true, \#(hash)}"#,
                .git(url: "https://x.example/r", revision: Self.revision, submodules: true)
            ),
            (
                #"{"type": "tarball", "url": "https://x.example/a.tar.gz", \#(hash)}"#,
                .tarball(url: "https://x.example/a.tar.gz")
            ),
            (#"{"type": "path", "path": "./sub"}"#, .source(path: "./sub")),
        ] {
            #expect(try lock(file(locked)).inputs.map(\.origin) == [origin])
        }
    }

    @Test func `what follows another input is not a node of its own`() throws {
        let found = try lock(
            """
            {"nodes": {
              "root": {"inputs": {"a": "a", "b": ["a", "c"]}},
              "a": {"inputs": {"c": "c"}, "locked": \(github()), "original": {}},
              "c": {"flake": false, "locked": \(github(repo: "c")), "original": {}}
             }, "root": "root", "version": 7}
            """)
        #expect(found.inputs.map(\.name) == ["a", "c"])
        #expect(found.dependencies == ["": ["a"], "a": ["c"], "c": []])
    }

    @Test(arguments: [0, 4, 8]) func `another version is refused`(version: Int) {
        #expect(throws: ToolchainError.unknownLockfileVersion(name: "flake.lock", version: "\(version)")) {
            try lock(file(github(), version: version))
        }
    }

    @Test func `an input without a hash is not pinned`() {
        #expect(throws: ToolchainError.missingChecksum(package: "a")) {
            try lock(file(#"{"type": "github", "owner": "o", "repo": "r", "rev": "\#(Self.revision)"}"#))
        }
    }

    @Test(arguments: ["hg", "indirect", "file", "gitlab", ""]) func `another kind of input is refused`(type: String) {
        #expect(throws: ToolchainError.unsupportedSource(package: "a", source: "an input of the type \(type)")) {
            try lock(file(#"{"type": "\#(type)", "narHash": "\#(Self.narHash)"}"#))
        }
    }

    @Test(arguments: ["/etc", "../up", "a/../../b"]) func `a folder outside the source is refused`(path: String) {
        #expect(throws: ToolchainError.outsideSource(manifest: "flake.lock", path: path)) {
            try lock(file(#"{"type": "path", "path": "\#(path)"}"#))
        }
    }

    @Test func `a file that is not what its name says is refused`() {
        let broken = [
            "", "[]", "{}", "{\"version\": 7}", #"{"version": 7, "nodes": {}, "root": "root"}"#,
            #"{"version": 7, "nodes": {"root": {"inputs": {"a": "b"}}}, "root": "root"}"#,
            #"{"version": 7, "nodes": {"root": {"inputs": {"a": 7}}}, "root": "root"}"#,
            #"{"version": 7, "nodes": {"root": {"inputs": []}}, "root": "root"}"#,
            #"{"version": 7, "nodes": {"root": {}, "a": {}}, "root": "root"}"#,
            file("{}"), file("7"), file(github(owner: "..")), file(github(owner: "a/b")), file(github(repo: "")),
            file(github(rev: "HEAD")), file(github(rev: "../..")), file(github(hash: "sha256-AAAA")),
            file(github(hash: "sha512-" + Self.narHash.dropFirst(7))),
            // The last bits stand for nothing, and must be zero.
            file(github(hash: Self.narHash.replacing("SVU=", with: "SVV="))),
            file(#"{"type": "tarball", "url": "https://x.example/ a", "narHash": "\#(Self.narHash)"}"#),
        ]
        for text in broken {
            #expect(throws: ToolchainError.self, "\(text)") { try lock(text) }
        }
    }
}
