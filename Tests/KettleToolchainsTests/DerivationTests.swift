import KettleProvenance
import Testing

@testable import KettleToolchains

/// What an evaluation and a binary cache say, which may be anything.
@Suite struct DerivationTests {
    private static let output = "/nix/store/z1rahp9fy11h8yvihxhgj8vr2pb6db1a-file.txt"
    private static let input = "/nix/store/k4m7snqypi97ip6rs2fkk814djwzq29x-dep.drv"
    private static let term =
        #"Derive([("out","\#(output)","","")],[("\#(input)",["out","dev"])],["/nix/store/x"],"x86_64-linux","/bin/sh",["-c","a\n\"b\""],[("url","a\\b"),("out","\#(output)")])"#

    @Test func `a derivation is read as Nix writes it`() throws {
        let derivation = try #require(Derivation(parsing: Array(Self.term.utf8)))
        #expect(derivation.outputs == ["out": StorePath(Self.output)])
        #expect(derivation.inputs == [try #require(StorePath(Self.input)): ["out", "dev"]])
        #expect(derivation.environment == ["url": "a\\b"])
        #expect(derivation.builder == "/bin/sh" && derivation.fixed == nil && derivation.allowsSubstitutes)
    }

    @Test func `what is no derivation is none, wherever it ends`() {
        let bytes = Array(Self.term.utf8)
        for count in bytes.indices { #expect(Derivation(parsing: Array(bytes[..<count])) == nil, "\(count)") }
        #expect(Derivation(parsing: bytes + [0x20]) == nil)
        for (text, other) in [
            (Self.output, "/etc/passwd"), (Self.input, "/nix/store/../x.drv"), ("(\"out\",", "(\"\\"),
            ("(\"url\"", "(\"out\""), ("[(\"out\",\"\(Self.output)\",\"\",\"\")]", "[]"),
        ] {
            #expect(Derivation(parsing: Array(Self.term.replacing(text, with: other).utf8)) == nil, "\(other)")
        }
    }

    @Test(arguments: [("\"1\"", true), ("\"\"", false), ("\"0\"", false)])
    func `a derivation says whether caches are asked for it`(value: String, expected: Bool) throws {
        let term = Self.term.replacing("\"url\",\"a\\\\b\"", with: "\"allowSubstitutes\",\(value)")
        #expect(try #require(Derivation(parsing: Array(term.utf8))).allowsSubstitutes == expected)
        let structured = Self.term.replacing(
            "\"url\",\"a\\\\b\"", with: #""__json","{\"allowSubstitutes\":\#(expected)}""#)
        #expect(try #require(Derivation(parsing: Array(structured.utf8))).allowsSubstitutes == expected)
    }

    @Test func `a fixed file's store path is the one that Nix gives it`() throws {
        // nix-store --add-fixed sha256 file.txt, which holds "hello" and a line break.
        let digest = ContentDigest(of: "hello\n".utf8)
        #expect(StorePath(fixed: digest, isArchive: false, named: "file.txt")?.text == Self.output)
    }

    /// Written and signed by Nix 2.8 (nix copy --to file://…?secret-key=…).
    private static let info = """
        StorePath: /nix/store/dc017784f9hm6fvpqlyqj83ifkdrhk65-dep
        URL: nar/17gd6zzlkx90irc6qawagdkgh1d7qvlnq46yjf7xiqw9ycz7zq4a.nar.xz
        Compression: xz
        FileHash: sha256:17gd6zzlkx90irc6qawagdkgh1d7qvlnq46yjf7xiqw9ycz7zq4a
        FileSize: 128
        NarHash: sha256:04zwf782yjwnh3q6hz5izfd6jyip8kgw6g6yj43fiqhbyhdd0dqw
        NarSize: 120
        References: \n\
        Deriver: k4m7snqypi97ip6rs2fkk814djwzq29x-dep.drv
        Sig: test-1:65HCj4XVeQsUJFEDTNmyY/0fMsc9Ln0CyGCM/gaatayKMxqt+vdkM4C4VeM+MC9X7T6QoD+U/R+lNJ3iENXYCQ==

        """
    private static let key = "test-1:9SwK2sJmhldXcJNCL6oWwUZYng00r6CgSIrv+PF1dPY="

    @Test func `a byte that changed is read or refused, and nothing more that counts is signed`() throws {
        let cache = try NixCache(url: "https://cache.example/", key: Self.key)
        let genuine = try #require(NarInfo(parsing: Array(Self.info.utf8)))
        var (term, info) = (Array(Self.term.utf8), Array(Self.info.utf8))
        for other in [0x00, 0x0A, 0x20, 0x22, 0x5C, 0x61] as [UInt8] {
            for index in term.indices {
                let before = term[index]
                term[index] = other
                if let derivation = Derivation(parsing: term) { #expect(!derivation.outputs.isEmpty) }
                term[index] = before
            }
            for index in info.indices {
                let before = info[index]
                info[index] = other
                if let changed = NarInfo(parsing: info), let changed = cache.verified(changed) {
                    #expect(changed.fingerprint == genuine.fingerprint)
                }
                info[index] = before
            }
        }
    }

    @Test func `what a cache says is signed as a whole`() throws {
        let cache = try NixCache(url: "https://cache.example/", key: Self.key)
        let info = try #require(NarInfo(parsing: Array(Self.info.utf8)))
        #expect(cache.verified(info) == info)
        #expect(NarInfo(parsing: Array(info.text(url: info.url, compression: "xz").utf8)) == info)
        // What nobody signed goes no further: other keys' signatures, other lines, other ways to write the same.
        let more = Self.info.replacing("Sig: ", with: "Sig: other-1:AAAA\nSig: anything at all\nNote: x\nSig: ")
        let said = try #require(NarInfo(parsing: Array(more.utf8)))
        let known = try #require(cache.verified(said))
        #expect(known == info)
        #expect(known.text(url: "nar/x", compression: "none") == info.text(url: "nar/x", compression: "none"))
        #expect(known.text(url: "nar/x", compression: "none").firstRange(of: "anything") == nil)
        for (text, other) in [
            ("NarSize: 120", "NarSize: 121"), ("-dep\n", "-other\n"), ("sha256:04z", "sha256:14z"),
            ("References: ", "References: dc017784f9hm6fvpqlyqj83ifkdrhk65-dep"), ("Sig: test-1", "Sig: test-2"),
            ("Sig: ", "Note: "),
        ] {
            let changed = try #require(NarInfo(parsing: Array(Self.info.replacing(text, with: other).utf8)), "\(other)")
            #expect(cache.verified(changed) == nil, "\(other)")
        }
        #expect(try NixCache(url: "https://cache.example/", key: NixCache.standardKey).verified(info) == nil)
    }

    @Test(arguments: [
        ("URL: nar/", "URL: https://elsewhere.example/"), ("URL: nar/", "URL: ../"), ("URL: nar/", "URL: /"),
        ("URL: nar/", "URL: \""), ("URL: nar/", "URL: nar/?"), ("URL: nar/", "URL: %2e%2e/"),
        ("URL: nar/", "URL: a../"), ("StorePath: /nix/store/d", "StorePath: /nix/store/e"), ("-dep\nURL", "-.dep\nURL"),
        ("Compression: xz", "Compression: sh"), ("NarSize: 120", "NarSize: -1"),
        ("NarHash: sha256:04z", "NarHash: sha256:z4z"), ("NarHash: sha256:", "NarHash: md5:"), ("FileSize: 128", "x"),
        ("StorePath: /nix/store/", "StorePath: /etc/"), ("References: ", "References: ../x"),
        ("Compression: xz", "NarSize: 1"),
    ])
    func `what describes no archive is refused`(text: String, other: String) {
        #expect(NarInfo(parsing: Array(Self.info.replacing(text, with: other).utf8)) == nil)
    }
}
