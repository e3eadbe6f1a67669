import KettleProvenance
import Testing

@testable import KettleToolchains

@Suite struct PackageResolvedTests {
    private static let revision = String(repeating: "ab", count: 20)

    private func pins(_ text: String) throws -> [SwiftPin] { try PackageResolved(parsing: Array(text.utf8)).pins }

    /// One pin of version 2, with members in the place of the usual ones.
    private func pin(
        identity: String = "rainbow", kind: String = "remoteSourceControl",
        location: String = "https://x.example/Rainbow",
        revision: String = revision, version: String = "4.2.2"
    ) -> String {
        """
        {"identity": "\(identity)", "kind": "\(kind)", "location": "\(location)",
         "state": {"revision": "\(revision)", "version": "\(version)"}}
        """
    }

    private func file(_ pins: String..., version: String = "2") -> String {
        "{\"pins\": [\(pins.joined(separator: ", "))], \"version\": \(version)}"
    }

    @Test(arguments: ["2", "3"])
    func `versions 2 and 3 name packages by identity`(version: String) throws {
        #expect(
            try pins(
                """
                {
                  "originHash" : "0000",
                  "pins" : [
                    {
                      "identity" : "rainbow",
                      "kind" : "remoteSourceControl",
                      "location" : "https://github.com/onevcat/Rainbow",
                      "state" : { "revision" : "\(Self.revision)", "version" : "4.2.2" }
                    },
                    {
                      "identity" : "tools",
                      "kind" : "remoteSourceControl",
                      "location" : "https://github.com/a/tools.git",
                      "state" : { "branch" : "main", "revision" : "\(Self.revision)" }
                    }
                  ],
                  "version" : \(version)
                }
                """) == [
                    SwiftPin(
                        identity: "rainbow", location: "https://github.com/onevcat/Rainbow", revision: Self.revision,
                        version: "4.2.2"),
                    SwiftPin(
                        identity: "tools", location: "https://github.com/a/tools.git", revision: Self.revision,
                        branch: "main"),
                ])
    }

    @Test func `version 1 names packages by address`() throws {
        let found = try pins(
            """
            {"object": {"pins": [{"package": "Rainbow", "repositoryURL": "https://github.com/onevcat/Rainbow.git",
             "state": {"branch": null, "revision": "\(Self.revision)", "version": "4.2.2"}}]}, "version": 1}
            """)
        #expect(
            found == [
                SwiftPin(
                    identity: "rainbow", location: "https://github.com/onevcat/Rainbow.git", revision: Self.revision,
                    version: "4.2.2")
            ])
    }

    @Test func `what is no commit of a git repository is refused by name`() throws {
        for (kind, source) in [
            ("registry", "a package registry"),
            ("localSourceControl", "the local repository https://x.example/Rainbow"),
        ] {
            #expect(throws: ToolchainError.unsupportedSource(package: "rainbow", source: source)) {
                try pins(file(pin(kind: kind)))
            }
        }
    }

    @Test(arguments: ["0", "4", "99"]) func `another version is refused`(version: String) {
        #expect(throws: ToolchainError.unknownLockfileVersion(name: "Package.resolved", version: version)) {
            try pins(file(version: version))
        }
    }

    @Test func `a file that is not what its name says is refused`() {
        let broken = [
            "", "{}", "[]", "{\"version\": 2}", "{\"version\": \"2\", \"pins\": []}", "{\"version\": 2, \"pins\": {}}",
            "{\"version\": 1, \"pins\": []}", "{\"version\": 2, \"pins\": [{}]}", "{\"version\": 2, \"pins\": [7]}",
            file(pin(), pin()), file(pin(kind: "other")), file(pin(revision: "abc")), file(pin(revision: "")),
            file(pin(revision: String(repeating: "AB", count: 20))), file(pin(location: "")),
            file(pin(location: "https://x.example/a b")), file(pin(version: "")), file(pin(version: "1\\n2")),
        ]
        for text in broken {
            #expect(throws: ToolchainError.self, "\(text)") { try pins(text) }
        }
    }

    @Test(arguments: ["..", ".", ".git", "a/b", "/etc", "", "-x", "a b", "A", "a\\u0000b", "a\\n"])
    func `an identity that is no plain name of a folder is refused`(identity: String) {
        #expect { try pins(file(pin(identity: identity))) } throws: {
            ($0 as? ToolchainError)?.code == "toolchain.malformed_file"
        }
    }

    @Test(arguments: [
        ("https://github.com/onevcat/Rainbow", "rainbow"), ("https://github.com/onevcat/Rainbow.git", "rainbow"),
        ("https://github.com/onevcat/Rainbow/", "rainbow"), ("git@github.com:onevcat/Rainbow.git", "rainbow"),
        ("git@host:tool", "tool"), ("https://x.example/swift.nio", "swift.nio"),
    ]) func `an address gives an identity as SwiftPM finds it`(location: String, identity: String) {
        #expect(SwiftPin.identity(of: location) == identity)
    }

    @Test(arguments: [
        ("https://github.com/onevcat/Rainbow.git", "pkg:swift/github.com/onevcat/Rainbow@4.2.2"),
        ("https://user@github.com/onevcat/Rainbow", "pkg:swift/github.com/onevcat/Rainbow@4.2.2"),
        ("git@github.com:onevcat/Rainbow.git", "pkg:swift/github.com/onevcat/Rainbow@4.2.2"),
        ("http://127.0.0.1:80/Rainbow", "pkg:swift/127.0.0.1:80/Rainbow@4.2.2"),
    ]) func `a package URL has host and owner`(location: String, url: String) throws {
        let pin = SwiftPin(identity: "rainbow", location: location, revision: Self.revision, version: "4.2.2")
        #expect(pin.packageURL.hasPrefix(url + "?vcs_url=git%2B"))
        let parsed = try #require(PackageURL(parsing: pin.packageURL))
        #expect(parsed.qualifiers == ["vcs_url": "git+\(location)@\(Self.revision)"])
        #expect(parsed.text == pin.packageURL)
    }

    @Test func `a package without a version is known by its commit`() {
        let pin = SwiftPin(identity: "t", location: "https://x.example/t", revision: Self.revision, branch: "main")
        #expect(pin.packageURL.hasPrefix("pkg:swift/x.example/t@\(Self.revision)?"))
    }
}
