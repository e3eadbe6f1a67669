import Testing

@testable import KettleSource

/// What cannot be had from a git of the tests at will. The rest is in ``GitSourceTests``.
@Suite struct GitFailureTests {
    private func code(_ text: String, of url: String = "https://example.com/a") throws -> String {
        let url = GitURL(text: url, parts: try URLParts(parsing: url), isAllowedByPrefix: false)
        return GitFailure(Array(text.utf8), status: 128, url: url).error(missing: nil).code
    }

    @Test func `a full disk is this machine's fault`() throws {
        #expect(
            try code("fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output")
                == "source.disk_full")
        #expect(try code("error: unable to write file: Disk quota exceeded") == "source.disk_full")
    }

    @Test func `neither the server nor the URL chooses the words`() throws {
        #expect(try code("remote: No space left on device\r\nfatal: other") == "source.git_failed")
        #expect(
            try code(
                "fatal: odd 'https://example.com/returned%20error:404/bad%20object/fsck+error'",
                of: "https://Example.com/returned%20error:404/bad%20object/fsck+error") == "source.git_failed")
    }

    @Test func `unknown words are git's failure`() throws {
        #expect(try code("") == "source.git_failed")
        #expect(try code("fatal: \u{FFFD}") == "source.git_failed")
    }
}
