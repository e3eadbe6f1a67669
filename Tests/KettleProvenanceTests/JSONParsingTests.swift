import KettleProvenance
import Testing

@Suite struct JSONParsingTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test(
        arguments: [
            ("null", JSONValue.null), (" true ", true), ("\t\r\n false", false), ("0", 0), ("-0", 0), ("-12", -12),
            ("9223372036854775807", .integer(.max)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
            ("1.0", .number(1)), ("1e2", .number(100)), ("1E-2", .number(0.01)), ("-0.5e+1", .number(-5)),
            ("1e-999", .number(0)), (#""""#, ""), (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{C}\n\r\t"),
            (#""\u0000\u00e9\ud83d\ude00é😀""#, "\u{0}é😀é😀"), ("[]", []), ("[1,[2],{}]", [1, [2], [:]]), ("{}", [:]),
            (#"{"a":1, "b" : {"a":null}}"#, ["a": 1, "b": ["a": nil]]), (#"{"":0}"#, ["": 0]),
        ] as [(String, JSONValue)])
    func `what RFC 8259 allows is read`(text: String, value: JSONValue) throws {
        #expect(try parse(text) == value)
    }

    @Test(
        arguments: [
            ("", JSONError.unexpectedEnd), (" ", .unexpectedEnd), ("[", .unexpectedEnd), ("{\"a\"", .unexpectedEnd),
            ("\"a", .unexpectedEnd), ("tru", .unexpectedEnd), ("-", .unexpectedEnd), ("1.", .unexpectedEnd),
            ("1e", .unexpectedEnd), ("1e+", .unexpectedEnd), (#""\u12"#, .unexpectedEnd), (#""\"#, .unexpectedEnd),
            ("01", .trailingBytes(offset: 1)), ("1 2", .trailingBytes(offset: 2)), ("{}x", .trailingBytes(offset: 2)),
            ("null\u{0}", .trailingBytes(offset: 4)), ("[1,]", .unexpectedByte(0x5D, offset: 3)),
            ("[,1]", .unexpectedByte(0x2C, offset: 1)), ("{,}", .unexpectedByte(0x2C, offset: 1)),
            (#"{"a":1,}"#, .unexpectedByte(0x7D, offset: 7)), ("{a:1}", .unexpectedByte(0x61, offset: 1)),
            ("{'a':1}", .unexpectedByte(0x27, offset: 1)), (#"{"a" 1}"#, .unexpectedByte(0x31, offset: 5)),
            ("nul1", .unexpectedByte(0x31, offset: 3)), ("+1", .unexpectedByte(0x2B, offset: 0)),
            (".5", .unexpectedByte(0x2E, offset: 0)), ("1.e1", .unexpectedByte(0x65, offset: 2)),
            ("-a", .unexpectedByte(0x61, offset: 1)), ("NaN", .unexpectedByte(0x4E, offset: 0)),
            ("[1}", .unexpectedByte(0x7D, offset: 2)), ("// c\n1", .unexpectedByte(0x2F, offset: 0)),
            ("\u{FEFF}1", .unexpectedByte(0xEF, offset: 0)), ("\u{A0}1", .unexpectedByte(0xC2, offset: 0)),
            ("\"a\nb\"", .controlCharacter(offset: 2)), ("\"\\n\u{1F}\"", .controlCharacter(offset: 3)),
            (#""\x""#, .invalidEscape(offset: 2)), (#""\u12g4""#, .invalidEscape(offset: 5)),
            (#""\ud83d""#, .loneSurrogate(offset: 1)), (#""\ude00""#, .loneSurrogate(offset: 1)),
            (#""\ud83d\u0041""#, .loneSurrogate(offset: 1)), (#""\ud83dx""#, .loneSurrogate(offset: 1)),
            ("1e999", .numberOutOfRange(offset: 0)), ("-1e999", .numberOutOfRange(offset: 0)),
            (#"{"a":1,"a":1}"#, .duplicateMember("a", offset: 7)),
            (#"{"b":[{"a":1,"\u0061":2}]}"#, .duplicateMember("a", offset: 13)),
            // The same letter, composed and decomposed: two names to a program that compares bytes.
            ("{\"\u{E9}\":1,\"e\u{301}\":2}", .duplicateMember("é", offset: 8)),
        ] as [(String, JSONError)])
    func `anything else is refused with its place`(text: String, error: JSONError) {
        #expect(throws: error) { try parse(text) }
    }

    @Test(
        arguments: [
            [0xFF], [0xC3], [0xC3, 0x28], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0x5C, 0x6E, 0xFF],
        ] as [[UInt8]])
    func `a string that is not UTF-8 is refused`(bytes: [UInt8]) {
        #expect(throws: JSONError.invalidUTF8(offset: 1)) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
    }

    @Test(arguments: ["", "é", "\\n"])
    func `marks without end on one character are refused`(start: String) throws {
        func marked(_ count: Int) -> [UInt8] {
            let marks = (0..<count).map { $0.isMultiple(of: 2) ? "\u{301}" : "\u{323}" }.joined()
            return Array("{\"\(start)a\(marks)\":\"\(start)a\(marks)\"}".utf8)
        }
        #expect(try JSONValue(parsing: marked(30)).objectValue?.count == 1)
        #expect(throws: JSONError.tooManyCombiningMarks(limit: 30, offset: 2)) { try JSONValue(parsing: marked(31)) }
        // Without the limit this takes most of a minute, and ten times as much takes a hundred times as long.
        #expect(throws: JSONError.tooManyCombiningMarks(limit: 30, offset: 2)) {
            try JSONValue(parsing: marked(300_000))
        }
    }

    @Test func `depth is limited`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: depth) + Array(repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(try JSONValue(parsing: nested(64)).arrayValue?.count == 1)
        #expect(throws: JSONError.tooDeep(limit: 64, offset: 64)) { try JSONValue(parsing: nested(65)) }
        #expect(throws: JSONError.tooDeep(limit: 64, offset: 64)) { try JSONValue(parsing: nested(1_000_000)) }
        let objects = Array(String(repeating: #"{"a":"#, count: 100_000).utf8)
        #expect(throws: JSONError.tooDeep(limit: 64, offset: 320)) { try JSONValue(parsing: objects) }
    }

    @Test func `length is limited`() {
        #expect(throws: JSONError.tooLarge(limitInBytes: 3)) {
            try JSONValue(parsing: Array("1234".utf8), maximumBytes: 3)
        }
    }

    @Test func `no cut and no changed byte of a document crashes the reader`() throws {
        let document = Array(
            #"{"a":[1,-2.5e+3,true,false,null,"x\u00e9\ud83d\ude00\n"],"b":{"c":"é😀","d":[[],{}]}}"#.utf8)
        for end in 0..<document.count {
            #expect(throws: JSONError.self) { try JSONValue(parsing: Array(document[..<end])) }
        }
        for index in document.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = document
                changed[index] = byte
                guard let value = try? JSONValue(parsing: changed) else { continue }
                #expect(try JSONValue(parsing: value.canonicalBytes()).canonicalBytes() == value.canonicalBytes())
            }
        }
    }
}
