import KettleError
import KettleMultipart
import Testing

/// Forms that must be refused, each with the code that says why.
@Suite(.timeLimit(.minutes(2))) struct HostileFormTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var code: String
        var what: String
        var body: [UInt8]
        var testDescription: String { what }

        init(_ code: String, _ what: String, _ body: [UInt8]) {
            self.code = "request.multipart_" + code
            self.what = what
            self.body = body
        }
    }

    static let limits = MultipartLimits(parts: 2, headerBytes: 200, headers: 3, preambleBytes: 64, totalBytes: 2000)
    static let name = "Content-Disposition: form-data; name=a"

    static let cases: [Case] = [
        Case("cut_off", "an empty body", []),
        Case("cut_off", "a body without its last boundary", form("--XX", name, "", "value")),
        Case("cut_off", "a last boundary without its last dash", Array("--XX\r\n\(name)\r\n\r\nv\r\n--XX-".utf8)),
        Case("cut_off", "headers that do not end", form("--XX", name)),
        Case("preamble_too_long", "no boundary at all", [UInt8](repeating: 0x61, count: 500)),
        Case(
            "preamble_too_long", "another boundary than the header names",
            form("--YY", name, "", "v", "--YY--", String(repeating: "-", count: 64))),
        Case("epilogue_too_long", "much after the end", form("--XX--", String(repeating: "x", count: 100))),
        Case("malformed_delimiter", "a boundary that goes on", form("--XXL", name, "", "v", "--XX--")),
        Case("malformed_delimiter", "a boundary that ends in LF alone", Array("--XX\n\(name)\r\n\r\nv\r\n--XX--".utf8)),
        Case("malformed_delimiter", "a boundary that ends in CR alone", Array("--XX\r\(name)\r\n\r\nv\r\n--XX--".utf8)),
        Case("malformed_delimiter", "one dash after a boundary", form("--XX", name, "", "v", "--XX-x")),
        Case(
            "malformed_delimiter", "endless blanks after a boundary", form("--XX" + String(repeating: " ", count: 300))),
        Case("malformed_delimiter", "text after blanks after a boundary", form("--XX  x")),
        Case(
            "too_many_parts", "a third part",
            form("--XX", name, "", "1", "--XX", name, "", "2", "--XX", name, "", "3", "--XX--")),
        Case("headers_too_long", "a header without end", form("--XX", "X: " + String(repeating: "y", count: 500))),
        Case(
            "headers_too_long", "headers that are long together",
            form("--XX", "X: " + String(repeating: "y", count: 150), "Y: " + String(repeating: "y", count: 150))),
        Case("too_many_headers", "a fourth header", form("--XX", "A: 1", "B: 2", "C: 3", name, "", "v", "--XX--")),
        Case("malformed_header", "a header without a colon", form("--XX", "Content-Disposition", "", "v", "--XX--")),
        Case("malformed_header", "a header without a name", form("--XX", ": form-data; name=a", "", "v", "--XX--")),
        Case(
            "malformed_header", "a blank before the colon",
            form("--XX", "Content-Disposition : form-data; name=a", "", "v")),
        Case("malformed_header", "a header that ends in LF alone", Array("--XX\r\n\(name)\n\r\nv\r\n--XX--".utf8)),
        Case(
            "malformed_header", "a NUL in a header",
            form("--XX", "Content-Disposition: form-data; name=\"a\0b\"", "", "v")),
        Case(
            "malformed_header", "a CR in a header",
            form("--XX", "Content-Disposition: form-data; name=\"a\rb\"", "", "v")),
        Case(
            "folded_header", "a header over two lines",
            form("--XX", "Content-Disposition: form-data;", " name=a", "", "v")),
        Case(
            "header_not_utf8", "a name that is not UTF-8",
            Array("--XX\r\nContent-Disposition: form-data; name=\"".utf8) + [0xC3, 0x28] + Array("\"\r\n\r\n".utf8)),
        Case("duplicate_header", "two dispositions", form("--XX", name, name, "", "v", "--XX--")),
        Case("no_disposition", "no disposition", form("--XX", "Content-Type: text/plain", "", "v", "--XX--")),
        Case("no_disposition", "no headers", form("--XX", "", "v", "--XX--")),
        Case(
            "wrong_disposition", "an attachment",
            form("--XX", "Content-Disposition: attachment; name=a", "", "v", "--XX--")),
        Case(
            "malformed_parameter", "a quoted name without its end",
            form("--XX", "Content-Disposition: form-data; name=\"a", "", "v")),
        Case(
            "malformed_parameter", "a quoted name that ends in a backslash",
            form("--XX", #"Content-Disposition: form-data; name="a\""#, "", "v")),
        Case(
            "malformed_parameter", "text after a quoted name",
            form("--XX", "Content-Disposition: form-data; name=\"a\"b", "", "v")),
        Case(
            "malformed_parameter", "a parameter without a value",
            form("--XX", "Content-Disposition: form-data; name", "", "v")),
        Case("malformed_parameter", "a semicolon with nothing after it", form("--XX", "\(name);", "", "v")),
        Case(
            "duplicate_parameter", "two names", form("--XX", "Content-Disposition: form-data; name=a; NAME=b", "", "v")),
        Case("no_name", "no name", form("--XX", "Content-Disposition: form-data; filename=a", "", "v", "--XX--")),
        Case("no_name", "an empty name", form("--XX", "Content-Disposition: form-data; name=\"\"", "", "v", "--XX--")),
        Case(
            "unsupported_encoding", "base64",
            form("--XX", name, "Content-Transfer-Encoding: base64", "", "djE=", "--XX--")),
        Case("too_large", "more than the limit", form("--XX", name, "", String(repeating: "v", count: 3000), "--XX--")),
    ]

    @Test(arguments: cases) func `a broken form is refused with its own code, however it is cut`(bad: Case) {
        for size in [1, 7, Int.max] {
            let error = #expect(throws: MultipartError.self) {
                _ = try ReadForm(bad.body, limits: Self.limits, pieces: [size])
            }
            #expect(error?.code == bad.code)
            #expect(error?.message.isEmpty == false)
        }
    }

    @Test(arguments: [
        ("", "not_form_data"), ("text/plain", "not_form_data"), ("application/x-www-form-urlencoded", "not_form_data"),
        ("multipart/mixed; boundary=a", "not_form_data"), ("multipart/form-data", "no_boundary"),
        ("multipart/form-data; boundary=", "malformed_content_type"),
        ("multipart/form-data; boundary=\"\"", "invalid_boundary"),
        ("multipart/form-data; boundary=\"a ", "malformed_content_type"),
        ("multipart/form-data; boundary=a b", "malformed_content_type"),
        ("multipart/form-data; boundary=\"a \"", "invalid_boundary"),
        ("multipart/form-data; boundary=\"a\u{0}b\"", "invalid_boundary"),
        ("multipart/form-data; boundary=\"a\r\nb\"", "invalid_boundary"),
        ("multipart/form-data; boundary=\"ä\"", "invalid_boundary"),
        ("multipart/form-data; boundary=a; boundary=b", "duplicate_parameter"),
        ("multipart/form-data; boundary=\(String(repeating: "a", count: 71))", "invalid_boundary"),
    ])
    func `a content type without one usable boundary is refused`(contentType: String, code: String) {
        let error = #expect(throws: MultipartError.self) {
            _ = try MultipartBoundary.parse(contentType: contentType)
        }
        #expect(error?.code == "request.multipart_" + code)
    }
}
