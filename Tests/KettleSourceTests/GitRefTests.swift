import Testing

@testable import KettleSource

@Suite struct GitRefTests {
    @Test(arguments: [
        "main", "feature/a", "v1.0", "a-b_c", "b\u{FC}cher", "e\u{301}", "a@b", "HEAD", "a.b", "0123456",
        "refs/heads/a",
        "locked", String(repeating: "a", count: 255),
    ])
    func `a name that git could have is a ref`(name: String) throws {
        #expect(try GitRef(checking: name).text == name)
    }

    @Test(arguments: [
        "", "-", "-a", "--upload-pack=touch", "-\u{301}a", "..", "a..b", "a b", " a", "a\t", "a\n", "a\r\nb", "a\0b",
        "a\u{1}", "a\u{7F}", "a~1", "a^", "a^{}", "a:b", "refs/heads/a:refs/heads/b", "+refs/heads/*:refs/*", "a?",
        "*", "[a", "a\\b", "@", "a@{1}", "@{u}", "/a", "a/", "a//b", ".a", "a/.b", "a.", "a.lock", "a.lock/b",
        String(repeating: "a", count: 256), String(repeating: "\u{FC}", count: 128),
    ])
    func `a name that git could take for something else is refused`(name: String) {
        #expect(throws: SourceError.refInvalid(ref: name)) { try GitRef(checking: name) }
    }

    private let commit = "0123456789abcdef0123456789abcdef01234567"
    private let other = "89abcdef0123456789abcdef0123456789abcdef"

    @Test func `forty hexadecimal digits are a commit`() throws {
        #expect(try GitRef(checking: commit).commit == commit)
        #expect(try GitRef(checking: commit.uppercased()).commit == commit)
        for text in [
            String(commit.dropLast()), commit + "0", String(repeating: "+a", count: 20), "g" + commit.dropFirst(),
            String(repeating: "\u{FF11}", count: 40),
        ] {
            #expect(try GitRef(checking: text).commit == nil, "\(text)")
        }
    }

    private func target(_ ref: String?, in listing: String) throws -> GitAdvertisement.Target {
        try GitAdvertisement(parsing: Array(listing.utf8)).target(of: try ref.map { try GitRef(checking: $0) }, at: "u")
    }

    @Test func `names that differ in how an accent is encoded are two`() throws {
        let listing = "\(commit)\trefs/heads/\u{E9}\n\(other)\trefs/heads/e\u{301}\n"
        #expect(try target("\u{E9}", in: listing).commit == commit)
        #expect(try target("e\u{301}", in: listing).commit == other)
    }

    @Test func `a tag that is an object is fetched as such`() throws {
        let listing = "\(other)\trefs/tags/a\n\(commit)\trefs/tags/a^{}\n"
        #expect(try target("a", in: listing) == .init(object: other, commit: commit, name: "refs/tags/a"))
    }

    @Test(arguments: [
        ("", nil, "source.repository_empty"), ("", "a", "source.ref_not_found"),
        ("", "abcdef0", "source.ref_abbreviated"), ("", "abcdef", "source.ref_not_found"),
        ("", String(repeating: "ab", count: 32), "source.commit_not_found"),
        ("\(String(repeating: "ab", count: 32))\tHEAD\n", "a", "source.object_format_unsupported"),
        ("\(String(repeating: "ab", count: 32))\trefs/heads/a\n", "a", "source.object_format_unsupported"),
        ("abc\trefs/heads/a\n", "a", "source.objects_invalid"),
        ("\(String(repeating: "AB", count: 20))\tHEAD\n", nil, "source.objects_invalid"),
        ("no tab", "a", "source.ref_not_found"),
        ("\(String(repeating: "ab", count: 20))\tx/refs/heads/a\n", "a", "source.ref_not_found"),
    ])
    func `a listing without the name says what is wrong`(listing: String, ref: String?, code: String) {
        let error = #expect(throws: SourceError.self) { try target(ref, in: listing) }
        #expect(error?.code == code)
    }
}
