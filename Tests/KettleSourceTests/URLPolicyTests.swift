import KettleSandbox
import KettleTesting
import Testing

@testable import KettleSource

@Suite struct URLPolicyTests {
    /// The code of the error that a URL meets, nil when it may be fetched.
    private func code(_ url: String, allowing prefixes: [String] = []) throws -> String? {
        let policy = try URLPolicy(allowedPrefixes: prefixes)
        do throws(SourceError) {
            _ = try policy.check(url)
            return nil
        } catch {
            return error.code
        }
    }

    @Test(arguments: [
        "https://example.com/a", "https://example.com:8443/a.git", "HTTPS://Example.COM/A/", "https://8.8.8.8/a",
        "https://[2606:4700::1111]/a", "https://[::ffff:8.8.8.8]/a", "https://a-b.c_d.example/~user/a%20b",
        "https://xn--bcher-kva.example/a", "https://example.com/a@b:c/+d,e;f=g",
    ])
    func `a public https address may be fetched`(url: String) throws {
        #expect(try code(url) == nil)
    }

    @Test(arguments: [
        "file:///etc/passwd", "ext::sh", "ssh://git@example.com/a", "git://example.com/a", "ftp://example.com/a",
        "http://example.com/a", "git@example.com:team/a.git", "example.com:a", "javascript:alert(1)", "data:,a",
        "fd::17", "transport::https://example.com/a", "https+git://example.com/a",
    ])
    func `another scheme is refused`(url: String) throws {
        #expect(try code(url) == "source.url_scheme_not_allowed")
    }

    @Test(arguments: [
        "", ":", "://", "/etc/passwd", "../a", "a", "-uhttps://example.com/a", "--upload-pack=a:b", "https:", "https:/",
        "https://", "https:///a", "https:example.com/a", "https://example.com", "https://example.com/",
        "https://example.com//", "https://example.com:0/a", "https://example.com:99999/a", "https://example.com:/a",
        "https://example.com:a/a", "https://example.com:443:443/a", "https://example.com./a", "https://.example.com/a",
        "https://a..example.com/a", "https://127.0.0.1./a", "https://127.0.0.1../a", "https://example.com/a?b",
        "https://example.com/a#b", "https://example.com?a", "https://example.com#/a", "https://%31%32%37.0.0.1/a",
        "https://example.com%2f.evil.com/a", "https://exa mple.com/a", " https://example.com/a",
        "https://example.com/a ", "https://example.com/a\n", "https://example.com/\r\na", "https://example.com/\0",
        "https://example.com/\u{1}", "https://example.com/\u{7F}", "https://example.com\\@evil.com/a",
        "https:\\\\example.com\\a", "https://b\u{FC}cher.example/a", "https://example.com/b\u{FC}cher",
        "https://\u{FF11}27.0.0.1/a", "https://example\u{3002}com/a", "https://[::1/a", "https://::1/a",
        "https://[127.0.0.1]/a", "https://[fe80::1%25eth0]/a", "https://[v1.a]/a", "https://[]/a", "https://[::1]a/a",
        "https://example.com/../a", "https://example.com/a/..", "https://example.com/a/./b",
        "https://example.com/%2e%2E/a", "https://example.com/.%2e/a", "https://example.com/a%2f..%2fb",
        "https://example.com/a%5cb", "https://example.com/a%00", "https://example.com/a%0a", "https://example.com/a%",
        "https://example.com/a%zz", "https://example.com/\"a", "https://example.com/{a}",
        "https://\(String(repeating: "a", count: 64)).com/a",
    ])
    func `what parsers could read in two ways is refused`(url: String) throws {
        #expect(try code(url) == "source.url_malformed")
    }

    @Test(arguments: [
        "https://user@example.com/a", "https://user:password@example.com/a", "https://@example.com/a",
        "https://example.com@evil.com/a", "https://a:@b/c", "https://a@b@c/d", "https://[::1]@example.com/a",
    ])
    func `a URL with credentials is refused`(url: String) throws {
        #expect(try code(url) == "source.url_has_credentials")
        #expect(try code(url, allowing: ["https://example.com"]) == "source.url_has_credentials")
    }

    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1",
        "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "[::]", "[::1]", "[::127.0.0.1]", "[::8.8.8.8]", "[::ffff:127.0.0.1]", "[::ffff:a00:1]",
        "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::8.8.8.8]", "[64:ff9b:1::1]", "[100::1]", "[2001::1]",
        "[2001:2::1]", "[2001:10::1]", "[2001:20::1]", "[2001:db8::1]", "[2002:7f00:1::1]", "[2002:808:808::1]",
        "[3fff::1]", "[5f00::1]", "[fc00::1]", "[fd12::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "localhost",
        "LOCALHOST", "a.localhost", "printer", "printer.local", "db.internal", "a.localdomain", "nas.home.arpa",
        "router.lan", "wiki.intranet", "ad.corp", "x.test",
    ])
    func `a host that is not public is refused`(host: String) throws {
        #expect(try code("https://\(host)/a") == "source.url_not_public")
    }

    @Test(arguments: [
        "2130706433", "017700000001", "0x7f000001", "0x7F.1", "127.1", "127.0.1", "0177.0.0.1", "127.0.0.01",
        "1.2.3.4.5", "256.256.256.256", "999999999999", "example.0x7f", "a.1",
    ])
    func `a number that is no plain address is refused`(host: String) throws {
        #expect(try code("https://\(host)/a") == "source.url_odd_address")
    }

    @Test(arguments: [
        ("9.255.255.255", true), ("11.0.0.0", true), ("100.63.255.255", true), ("100.128.0.0", true),
        ("126.255.255.255", true), ("128.0.0.0", true), ("169.253.255.255", true), ("169.255.0.0", true),
        ("172.15.255.255", true), ("172.32.0.0", true), ("191.255.255.255", true), ("192.0.1.0", true),
        ("192.0.3.0", true), ("192.88.98.1", true), ("192.167.255.255", true), ("192.169.0.0", true),
        ("198.17.255.255", true), ("198.20.0.0", true), ("198.51.101.0", true), ("203.0.112.255", true),
        ("203.0.114.0", true), ("223.255.255.255", true), ("[2000::]", true), ("[2001:200::]", true),
        ("[2001:1ff:ffff::]", false), ("[2001:db7::]", true), ("[2001:db9::]", true), ("[2003::]", true),
        ("[3fff:fff::]", false), ("[3fff:1000::]", true), ("[1fff::]", false), ("[4000::]", false),
    ])
    func `reserved ranges end where their registries say`(host: String, isPublic: Bool) throws {
        #expect(try code("https://\(host)/a") == (isPublic ? nil : "source.url_not_public"))
    }

    @Test func `a URL has a length`() throws {
        let start = "https://example.com/"
        #expect(try code(start + String(repeating: "a", count: 2048 - start.utf8.count)) == nil)
        #expect(try code(start + String(repeating: "a", count: 2049 - start.utf8.count)) == "source.url_too_long")
        #expect(try code(String(repeating: "\u{1F600}", count: 600)) == "source.url_too_long")
    }

    // MARK: - Prefixes

    @Test(arguments: [
        ("http://127.0.0.1", "http://127.0.0.1/a"), ("http://127.0.0.1", "http://127.0.0.1:8080/a"),
        ("http://127.0.0.1/", "http://127.0.0.1:8080/a"), ("http://127.0.0.1:80", "http://127.0.0.1/a"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/a"), ("HTTP://Git.Local", "http://git.local/a"),
        ("https://host/team", "https://host/team"), ("https://host/team", "https://host/team/a/b"),
        ("https://host/team/", "https://host/team/a"), ("https://host/team", "https://host:443/team/a"),
        ("https://host:8443/team", "https://host:8443/team/a"), ("https://[fd00::1]", "https://[FD00::1]/a"),
        ("https://2130706433", "https://2130706433/a"),
    ])
    func `a prefix allows what is below it`(prefix: String, url: String) throws {
        #expect(try code(url, allowing: [prefix]) == nil)
    }

    @Test(arguments: [
        ("http://127.0.0.1", "http://127.0.0.1.evil.com/a", "source.url_scheme_not_allowed"),
        ("http://127.0.0.1", "http://127.0.0.1@evil.com/a", "source.url_has_credentials"),
        ("http://127.0.0.1", "http://127.0.0.10/a", "source.url_scheme_not_allowed"),
        ("http://127.0.0.1", "https://127.0.0.1/a", "source.url_not_public"),
        ("https://127.0.0.1", "http://127.0.0.1/a", "source.url_scheme_not_allowed"),
        ("http://127.0.0.1:8080", "http://127.0.0.1/a", "source.url_scheme_not_allowed"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:80801/a", "source.url_malformed"),
        ("http://127.0.0.1:808", "http://127.0.0.1:8080/a", "source.url_scheme_not_allowed"),
        ("https://host/team", "https://host/team-evil", "source.url_not_public"),
        ("https://host/team", "https://host/team-evil/a", "source.url_not_public"),
        ("https://host/team", "https://host/team/../other", "source.url_malformed"),
        ("https://host/team", "https://host/team/%2e%2e/other", "source.url_malformed"),
        ("https://host/team", "https://host/team%2f..%2fother", "source.url_malformed"),
        ("https://host/team", "https://host/Team/a", "source.url_not_public"),
        ("https://host/team", "https://host//team/a", "source.url_not_public"),
        ("https://host/team", "https://host:8443/team/a", "source.url_not_public"),
        ("https://host/team/", "https://host/team", "source.url_not_public"),
        ("https://host", "https://host", "source.url_malformed"),
        ("http://host", "http://sub.host/a", "source.url_scheme_not_allowed"),
        ("https://host", "file:///host/a", "source.url_scheme_not_allowed"),
    ])
    func `a prefix allows nothing beside it`(prefix: String, url: String, expected: String) throws {
        #expect(try code(url, allowing: [prefix]) == expected)
    }

    @Test(arguments: [
        "", "127.0.0.1", "file:///srv", "ssh://host", "http://", "http://user@host", "http://host/a?b", "http://host:0",
        "http://host/..", "http://*",
    ])
    func `a prefix that nothing could begin with is refused`(prefix: String) {
        #expect(throws: SourceError.prefixInvalid(prefix: prefix)) { try URLPolicy(allowedPrefixes: [prefix]) }
    }

    @Test func `plain HTTP is spoken only where a prefix names it`() throws {
        #expect(try !URLPolicy().allowsHTTP)
        #expect(try !URLPolicy(allowedPrefixes: ["https://host"]).allowsHTTP)
        #expect(try URLPolicy(allowedPrefixes: ["https://host", "http://host"]).allowsHTTP)
    }

    // MARK: - Names

    private func url(_ text: String, isAllowedByPrefix: Bool = false) throws -> GitURL {
        GitURL(text: text, parts: try URLParts(parsing: text), isAllowedByPrefix: isAllowedByPrefix)
    }

    @Test func `a name with an address that is not public is refused`() throws {
        // No public name is sure to have such an address. The policy refuses this one by its form; here it is resolved.
        let local = try url("https://localhost/a")
        #expect(throws: SourceError.urlNotPublic(host: "localhost")) { try URLPolicy().pin(local) }
    }

    @Test func `a name that nobody has is refused`() throws {
        let unknown = try url("https://kettle.invalid/a")
        #expect(throws: SourceError.urlHostUnknown(host: "kettle.invalid")) { try URLPolicy().pin(unknown) }
    }

    @Test func `git may connect to the URL's own host and port, at the addresses that were checked`() throws {
        let remote = try URLPolicy().pin(url("https://[2606:4700::1111]:8443/a"))
        #expect(remote.name == "[2606:4700::1111]:8443")
        #expect(remote.addresses == .pinned([try #require(InternetAddress("2606:4700::1111"))]))
        let named = try URLPolicy().pin(url("http://localhost/a", isAllowedByPrefix: true))
        #expect(named.name == "localhost:80")
        guard case .pinned(let addresses) = named.addresses else { throw SourceError.urlHasCredentials }
        #expect(!addresses.isEmpty && !addresses.contains { $0.isPublic })
    }

    @Test func `git gets the URL as it was understood`() throws {
        #expect(try URLParts(parsing: "HTTPS://Example.COM/A/").canonical == "https://example.com/A/")
        #expect(try URLParts(parsing: "https://[2606::A]:8443/a%20b").canonical == "https://[2606::a]:8443/a%20b")
    }
}
