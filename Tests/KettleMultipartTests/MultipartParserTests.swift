import KettleMultipart
import Testing

@Suite(.timeLimit(.minutes(2))) struct MultipartParserTests {
    static let twoParts = form(
        "--XX", "Content-Disposition: form-data; name=\"repo_url\"", "", "https://example.com/a", "--XX",
        "content-disposition: form-data; name=source; filename=\"a b.zip\"", "Content-Type: application/zip", "",
        "PK\r\n--X\r\n--\r\r\n", "--XX--")

    @Test func `a form's fields and files come out as they went in`() throws {
        let read = try ReadForm(Self.twoParts)
        #expect(read.ended)
        #expect(read.parts.allSatisfy { $0.isComplete })
        #expect(
            read.parts.map(\.headers) == [
                MultipartHeaders(name: "repo_url"),
                MultipartHeaders(name: "source", filename: "a b.zip", contentType: "application/zip"),
            ])
        #expect(read.parts.map(\.text) == ["https://example.com/a", "PK\r\n--X\r\n--\r\r\n"])
    }

    @Test func `a boundary may be cut at any byte`() throws {
        let whole = try ReadForm(Self.twoParts)
        for first in 1..<Self.twoParts.count {
            #expect(try ReadForm(Self.twoParts, pieces: [first, .max]) == whole)
            #expect(try ReadForm(Self.twoParts, pieces: [first, 1, .max]) == whole)
        }
        for size in 1...9 { #expect(try ReadForm(Self.twoParts, pieces: [size]) == whole) }
    }

    @Test(arguments: 0..<200) func `content that looks like a boundary is content, however it is cut`(seed: UInt64)
        throws
    {
        var random = SplitMix64(seed: seed)
        let boundary =
            ["X", "--", "aaaa", "----WebKitFormBoundary7MA4YWxkTrZu0gW"].randomElement(using: &random) ?? "X"
        let fragments = ["\r", "\n", "\r\n", "-", "--", "\r\n-", "\r\n--", "a", "X", String(boundary.dropLast()), "zz"]
        var content = ""
        while content.utf8.count < 300 { content += fragments.randomElement(using: &random) ?? "" }
        content = content.replacing("\r\n--\(boundary)", with: "")
        // The delimiter's own CRLF must be the first that a boundary follows.
        while content.contains("\r\n--\(boundary)") { content = content.replacing("\r\n--\(boundary)", with: "") }
        let body = form("--\(boundary)", "Content-Disposition: form-data; name=a", "", content, "--\(boundary)--")
        guard !content.hasPrefix("--\(boundary)") else { return }
        let sizes = (0..<400).map { _ in Int.random(in: 1...12, using: &random) }
        for pieces in [[Int.max], [1], sizes] {
            let read = try ReadForm(body, boundary: boundary, pieces: pieces)
            #expect(read.parts.map(\.text) == [content])
        }
    }

    @Test func `parts may be empty, with or without the line end before the boundary`() throws {
        let disposition = "Content-Disposition: form-data; name=a"
        #expect(try ReadForm(form("--XX", disposition, "", "", "--XX--")).parts.map(\.content) == [[]])
        #expect(try ReadForm(form("--XX", disposition, "", "--XX--")).parts.map(\.content) == [[]])
        #expect(try ReadForm(form("--XX", disposition, "", "--XY", "--XX--")).parts.map(\.text) == ["--XY"])
        #expect(try ReadForm(form("--XX--")).parts.isEmpty)
    }

    @Test func `a preamble, blanks after a boundary and an epilogue mean nothing`() throws {
        let body = form(
            "hello", "--X", "--XX \t", "Content-Disposition: form-data; name=a", "X-Other: 1", "", "v", "--XX--", "bye")
        for size in [1, 2, 1000] {
            #expect(try ReadForm(body, pieces: [size]).parts.map(\.text) == ["v"])
        }
    }

    @Test(arguments: [
        (#"form-data; name="a\"b\\c""#, #"a"b\c"#), (#"form-data; name="C:\x.zip""#, #"C:\x.zip"#),
        (#"FORM-DATA ; NAME=abc"#, "abc"), (#"form-data; name="größe 🙂""#, "größe 🙂"),
        (#"form-data; name="a%22b""#, "a%22b"),
        (#"form-data; name="a;b=c""#, "a;b=c"), (#"form-data; name=a; filename*=UTF-8''x"#, "a"),
    ])
    func `a name is read as browsers and curl write it`(disposition: String, name: String) throws {
        let read = try ReadForm(form("--XX", "Content-Disposition: \(disposition)", "", "", "--XX--"))
        #expect(read.parts.map(\.headers) == [MultipartHeaders(name: name)])
    }

    @Test func `what a handler throws is passed on and ends the parsing`() throws {
        struct Full: Error {}
        var parser = try MultipartParser(boundary: "XX")
        let body = Self.twoParts
        #expect(throws: Full.self) {
            try body.withUnsafeBytes { try parser.consume($0) { _ in throw Full() } }
        }
        #expect(throws: MultipartError.afterFailure) {
            try body.withUnsafeBytes { try parser.consume($0) { _ in } }
        }
        #expect(throws: MultipartError.afterFailure) { try parser.finish() }
    }

    @Test(arguments: [
        ("multipart/form-data; boundary=abc", "abc"), ("Multipart/Form-Data;Boundary=\"a b:c\"", "a b:c"),
        ("multipart/form-data ; charset=utf-8; boundary=----WebKitFormBoundaryx", "----WebKitFormBoundaryx"),
    ])
    func `the boundary is found in the content type`(contentType: String, boundary: String) throws {
        #expect(try MultipartBoundary.parse(contentType: contentType) == boundary)
    }
}

/// Random numbers that a seed repeats.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
