/// A header value with parameters: `form-data; name="source"; filename="a.zip"`.
///
/// RFC 2045 §5.1: a value, then parameters after semicolons, each a token or a quoted string. Spaces and tabs may stand
/// around a semicolon and nowhere else. In a quoted string a backslash escapes a quote or a backslash and is otherwise
/// itself: curl escapes both, browsers neither (they write `%22`), and old ones send `C:\file.zip` as it is.
struct HeaderParameters {
    /// What stands before the first semicolon, in lower case.
    let value: String

    /// The parameters in order, names in lower case.
    let parameters: [(name: String, value: String)]

    /// Why a value cannot be read.
    enum ParseError: Error {
        case malformed
        case duplicate(name: String)
    }

    /// Reads a header value, without the white space around it.
    init(parsing text: String) throws(ParseError) {
        var rest = Array(text.utf8)[...]
        guard let semicolon = rest.firstIndex(of: UInt8(ascii: ";")) else {
            value = try Self.mediaType(rest)
            parameters = []
            return
        }
        value = try Self.mediaType(rest[..<semicolon])
        rest = rest[semicolon...]

        var found: [(name: String, value: String)] = []
        while !rest.isEmpty {
            guard rest.popFirst() == UInt8(ascii: ";") else { throw .malformed }
            Self.skipBlanks(&rest)
            let name = Self.text(Self.takeToken(&rest)).lowercased()
            guard !name.isEmpty, rest.popFirst() == UInt8(ascii: "=") else { throw .malformed }
            guard !found.contains(where: { $0.name == name }) else { throw .duplicate(name: name) }
            if rest.first == UInt8(ascii: "\"") {
                found.append((name, try Self.takeQuotedString(&rest)))
            } else {
                let token = Self.takeToken(&rest)
                guard !token.isEmpty else { throw .malformed }
                found.append((name, Self.text(token)))
            }
            Self.skipBlanks(&rest)
        }
        parameters = found
    }

    subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

    /// A token, or two with a slash between them.
    private static func mediaType(_ bytes: ArraySlice<UInt8>) throws(ParseError) -> String {
        var rest = bytes
        while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
        let whole = rest
        guard !takeToken(&rest).isEmpty else { throw .malformed }
        if rest.first == UInt8(ascii: "/") {
            rest.removeFirst()
            guard !takeToken(&rest).isEmpty else { throw .malformed }
        }
        guard rest.isEmpty else { throw .malformed }
        return text(whole).lowercased()
    }

    private static func skipBlanks(_ rest: inout ArraySlice<UInt8>) {
        while let first = rest.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
    }

    private static func takeToken(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let end = rest.firstIndex { !isTokenByte($0) } ?? rest.endIndex
        defer { rest = rest[end...] }
        return rest[..<end]
    }

    private static func takeQuotedString(_ rest: inout ArraySlice<UInt8>) throws(ParseError) -> String {
        rest.removeFirst()
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return text(bytes[...])
            case UInt8(ascii: "\\"):
                guard let next = rest.first, next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") else {
                    bytes.append(byte)
                    continue
                }
                bytes.append(next)
                rest.removeFirst()
            default: bytes.append(byte)
            }
        }
        throw .malformed
    }

    /// The bytes came from a `String` and are cut at ASCII characters only, so this repairs nothing.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// RFC 9110 §5.6.2: visible ASCII without separators.
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
