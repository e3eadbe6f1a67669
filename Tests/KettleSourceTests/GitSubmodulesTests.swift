import Testing

@testable import KettleSource

@Suite struct GitSubmodulesTests {
    @Test(arguments: [
        ("../library", "https://host/team/library"), ("./inner", "https://host/team/outer/inner"),
        ("../../other/a", "https://host/other/a"), (".././x", "https://host/team/x"), ("../a/", "https://host/team/a/"),
        ("https://elsewhere/a", "https://elsewhere/a"), ("git@host:a", "git@host:a"), ("/etc", "/etc"), ("..", ".."),
    ])
    func `a relative URL is below the same server`(text: String, expected: String) throws {
        for base in ["https://host/team/outer", "https://host/team/outer/", "https://HOST/team//outer"] {
            #expect(try GitSubmodules.resolve(text, against: URLParts(parsing: base)) == expected)
        }
    }

    @Test func `a relative URL does not choose the server`() throws {
        let base = try URLParts(parsing: "https://host/team/outer")
        #expect(throws: SourceError.urlMalformed(url: "../../../evil.example/a")) {
            try GitSubmodules.resolve("../../../evil.example/a", against: base)
        }
    }

    @Test func `the configuration's last word counts`() {
        let configuration = [
            "core.bare\ntrue", "submodule.a.path\nlib", "submodule.a.url\nfirst", "submodule.a.url\nsecond",
            "submodule.b.c.path\nother", "submodule.b.c.url\nline\nbreak", "submodule.x.path\nno-url",
            "submodule.y.url\nno-path", "submodule.z.path", "submodule.path\nodd", "submodule.w.path\nlib",
            "submodule.w.url\nthird",
        ].joined(separator: "\0")
        let urls = GitSubmodules.urls(in: Array(configuration.utf8))
        #expect(urls == [Array("lib".utf8): "third", Array("other".utf8): "line\nbreak"])
    }

    @Test func `paths that differ in how an accent is encoded are two`() {
        let text = "submodule.a.path\n\u{E9}\0submodule.a.url\n1\0submodule.b.path\ne\u{301}\0submodule.b.url\n2"
        #expect(GitSubmodules.urls(in: Array(text.utf8)).count == 2)
    }
}
