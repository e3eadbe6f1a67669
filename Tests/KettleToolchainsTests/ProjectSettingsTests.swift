import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

@Suite struct ProjectSettingsTests {
    let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private func read(_ text: String) throws -> ProjectSettings {
        try #require(try ProjectSettings.read(in: scratch.write(["kettle.toml": text], to: UUID().uuidString)))
    }

    @Test func `all that can be set is read and written into the statement`() throws {
        let settings = try read(
            """
            toolchain = "cargo"
            path = "crates/cli"
            packages = ["cli", "lib"]
            targets = ["tally"]
            features = ["tls"]
            artifacts = ["dist/*.tar.gz"]
            """)
        #expect(
            settings.json == [
                "toolchain": "cargo", "path": "crates/cli", "packages": ["cli", "lib"], "targets": ["tally"],
                "features": ["tls"], "artifacts": ["dist/*.tar.gz"],
            ])
        #expect(settings.used == [.packages, .targets, .features])
        #expect(try ProjectSettings.read(in: scratch.path) == nil)
    }

    @Test(arguments: [
        "toolchan = \"cargo\"", "toolchain = 3", "path = [\"a\"]", "packages = \"cli\"", "packages = [3]",
        "packages = [\"--config=x\"]", "packages = [\"a b\"]", "packages = [\"\"]", "targets = [\"a\\nb\"]",
        "targets = [\"a\\u202eb\"]", "artifacts = [\"*****\"]",
        "artifacts = [\"../x\"]", "artifacts = [\"/etc/passwd\"]", "artifacts = [\"a//b\"]", "artifacts = [\".\"]",
        "features = [\(String(repeating: "\"a\",", count: 65))]", "a = [",
    ])
    func `what cannot be meant is refused by name`(text: String) {
        #expect {
            try read(text)
        } throws: {
            guard case .malformedFile("kettle.toml", _, _) = $0 as? ToolchainError else { return false }
            return true
        }
    }

    @Test func `the file is read through no link`() throws {
        let folder = try scratch.write(["other.toml": "toolchain = \"cargo\""], to: "linked")
        #expect(symlink("other.toml", folder.appending("kettle.toml").string) == 0)
        #expect {
            try ProjectSettings.read(in: folder)
        } throws: { ($0 as? ToolchainError)?.code == "toolchain.unreadable_file" }
    }

    // MARK: - Artifacts

    @Test(arguments: [
        ("*", "a", true), ("*.tar.gz", "x.tar.gz", true), ("*.tar.gz", "x.tar.gzz", false), ("a*b*c", "aXbYbc", true),
        ("a*b*c", "acb", false), ("**", "", true), ("a", "ab", false), ("ab", "a", false), ("*a", "ba", true),
    ])
    func `a star stands for any characters`(pattern: String, name: String, isMatch: Bool) {
        #expect(ArtifactPattern.matches(name, pattern) == isMatch)
    }

    @Test func `a hundred thousand of the worst names take a moment`() {
        let pattern = String(repeating: "*aa", count: 4) + "b"
        let name = String(repeating: "a", count: 255)
        let began = ContinuousClock.now
        for _ in 0..<1000 { #expect(!ArtifactPattern.matches(name, pattern)) }
        // In a debug build, on a busy machine; the bound of all folders together is a hundred times as many.
        #expect(ContinuousClock.now - began < .seconds(120))
    }

    @Test func `patterns find files of the project's folder and follow no link`() throws {
        let root = try scratch.write(
            [
                "p/dist/a.whl": "x", "p/dist/b.whl": "x", "p/dist/sub/c.whl": "x", "p/out": "x", "q/dist/d.whl": "x",
            ], to: "built")
        let link = root.appending(FilePath("p/link").components)
        #expect(symlink("../q/dist", link.string) == 0)
        func find(_ patterns: [String]) throws -> [ArtifactPath] {
            try ArtifactPattern.find(patterns, in: root, folder: "p")
        }
        #expect(
            try find(["dist/*.whl", "out", "dist/a.whl"]) == [
                ArtifactPath(name: "a.whl", path: "p/dist/a.whl", in: .source),
                ArtifactPath(name: "b.whl", path: "p/dist/b.whl", in: .source),
                ArtifactPath(name: "out", path: "p/out", in: .source),
            ])
        #expect(try find(["dist/*/*"]).map(\.name) == ["c.whl"])
        for pattern in ["link/d.whl", "none", "dist"] {
            #expect(throws: ToolchainError.noSuchArtifact(pattern: pattern)) { try find([pattern]) }
        }
        let twice = try scratch.write(["a/x": "1", "b/x": "2"], to: "twice")
        #expect(throws: ToolchainError.duplicateArtifact(name: "x")) {
            try ArtifactPattern.find(["*/x"], in: twice, folder: "")
        }
    }

    // MARK: - Addresses and digests

    @Test func `a registry is an address with a host, and its fetch reaches only that`() {
        for (text, name) in [
            ("https://mirror.example/npm/", "mirror.example:443"), ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
            ("http://[::1]:80/", "[::1]:80"),
        ] {
            #expect(RegistryURL(text)?.endpoint.name == name)
        }
        for text in [
            "", "mirror.example", "ftp://mirror.example/", "https:///", "https://mirror.example", "https://m:0/",
            "https://m:99999/", "https://m\"/", "https://m /", "https://m/?a/", "https://[::1/", "https://user:word@m/",
            "https://m:+80/",
        ] {
            #expect(RegistryURL(text) == nil, "\(text)")
        }
    }

    @Test func `a file has the digest that other programs give it`() throws {
        let folder = try scratch.write(["abc": "abc"], to: "digests")
        let file = open(folder.appending("abc").string, O_RDONLY)
        defer { close(file) }
        // FIPS 180-4, examples for the message "abc".
        #expect(
            PinnedDigest.ofFile(file, .sha256)?.hex
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            PinnedDigest.ofFile(file, .sha384)?.hex.hasPrefix("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163")
                == true)
        #expect(PinnedDigest.ofFile(file, .sha512)?.hex.hasPrefix("ddaf35a193617abacc417349ae204131") == true)
        #expect(PinnedDigest(.sha512, hex: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == nil)
    }
}
