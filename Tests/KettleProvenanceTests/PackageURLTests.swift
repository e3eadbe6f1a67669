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
}
