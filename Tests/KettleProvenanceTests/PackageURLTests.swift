import KettleProvenance
import Testing

@Suite struct PackageURLTests {
    @Test(
        arguments: [
            ("rand", "0.7.2", [:], "pkg:cargo/rand@0.7.2"),
            ("clap", "2.33.0", [:], "pkg:cargo/clap@2.33.0"),
            ("structopt_derive", "0.3.1-beta.1", [:], "pkg:cargo/structopt_derive@0.3.1-beta.1"),
            ("wasi", "0.11.0+wasi-snapshot-preview1", [:], "pkg:cargo/wasi@0.11.0%2Bwasi-snapshot-preview1"),
            ("A~b", "1", [:], "pkg:cargo/A~b@1"),
            ("a/b@c?d#e", "1 %", [:], "pkg:cargo/a%2Fb%40c%3Fd%23e@1%20%25"),
            ("é", "1", [:], "pkg:cargo/%C3%A9@1"),
            ("x", "1", ["repository_url": "", "a": ""], "pkg:cargo/x@1"),
            (
                "x", "1", ["vcs_url": "git+https://h.example/x@ab", "repository_url": "https://r.example/i"],
                "pkg:cargo/x@1?repository_url=https:%2F%2Fr.example%2Fi&vcs_url=git%2Bhttps:%2F%2Fh.example%2Fx%40ab"
            ),
        ] as [(String, String, [String: String], String)])
    func `a crate has one package URL`(name: String, version: String, qualifiers: [String: String], url: String) {
        #expect(PackageURL.cargo(name: name, version: version, qualifiers: qualifiers) == url)
    }

    /// From the purl specification's own test suite and its rules, as far as Kettle meets them.
    @Test(
        arguments: [
            ("pkg:cargo/rand@0.7.2", "cargo", "", "rand", "0.7.2", [:], ""),
            ("pkg://Cargo/rand", "cargo", "", "rand", nil, [:], ""),
            (
                "pkg:golang/google.golang.org/genproto#googleapis/api/annotations", "golang", "google.golang.org",
                "genproto", nil, [:], "googleapis/api/annotations"
            ),
            ("pkg:npm/%40angular/animation@12.3.1", "npm", "@angular", "animation", "12.3.1", [:], ""),
            (
                "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?classifier=sources&repository_url=repo.spring.io%2Frelease",
                "maven", "org.apache.xmlgraphics", "batik-anim", "1.9.1",
                ["classifier": "sources", "repository_url": "repo.spring.io/release"], ""
            ),
            (
                "pkg:cargo/a@1.0.0?empty=&vcs_url=git%2Bhttps:%2F%2Fx.example%2Fa%40c0ffee#lib/../b%C3%BCcher/",
                "cargo", "", "a", "1.0.0", ["vcs_url": "git+https://x.example/a@c0ffee"], "lib/b\u{FC}cher"
            ),
        ] as [(String, String, String, String, String?, [String: String], String)])
    func `a package URL is taken apart and put together again`(
        text: String, type: String, namespace: String, name: String, version: String?, qualifiers: [String: String],
        subpath: String
    ) throws {
        let url = try #require(PackageURL(parsing: text))
        #expect(
            url
                == PackageURL(
                    type: type, namespace: namespace, name: name, version: version, qualifiers: qualifiers,
                    subpath: subpath))
        #expect(PackageURL(parsing: url.text) == url)
    }

    @Test(arguments: [
        "", "cargo/rand", "pkg:", "pkg:cargo", "pkg:cargo/", "pkg:/rand", "pkg:cargo/a%2", "pkg:cargo/%FF",
        "pkg:ca rgo/a", "pkg:cargo/a?x=1&x=2", "http://x/a",
    ])
    func `what is no package URL is none`(text: String) {
        #expect(PackageURL(parsing: text) == nil)
    }
}
