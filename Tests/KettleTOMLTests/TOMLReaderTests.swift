import Testing

@testable import KettleTOML

@Suite struct TOMLReaderTests {
    private func read(_ text: String) throws -> TOMLTable { try TOMLReader.read(Array(text.utf8)) }

    @Test func `keys, strings and numbers are read`() throws {
        let table = try read(
            """
            # comment
            bare_key-1 = "a\\tb\\u00e9\\U0001F600"
            "quoted \\"key\\"" = 'literal \\n'
            'single' = 1_000
            negative = -7
            yes = true
            no = false # comment
            float = 1.5
            when = 1979-05-27 07:32:00Z
            """)
        #expect(table["bare_key-1"] == .string("a\tbé😀"))
        #expect(table["quoted \"key\""] == .string("literal \\n"))
        #expect(table["single"] == .integer(1000))
        #expect(table["negative"] == .integer(-7))
        #expect(table["yes"] == .boolean(true))
        #expect(table["no"] == .boolean(false))
        #expect(table["float"] == .other("1.5"))
        #expect(table["when"] == .other("1979-05-27 07:32:00Z"))
    }

    @Test func `strings of several lines are read`() throws {
        let table = try read(
            "a = \"\"\"\none \\\n    two\r\n\"three\"\"\"\"\nb = '''\nx'y''z'''\nc = \"\"\"\"\"\"\nd = ''''quoted''''\n"
        )
        #expect(table["a"] == .string("one two\r\n\"three\""))
        #expect(table["b"] == .string("x'y''z"))
        #expect(table["c"] == .string(""))
        #expect(table["d"] == .string("'quoted'"))
    }

    @Test func `tables of every form are read`() throws {
        let table = try read(
            """
            a.b.c = 1
            a.b.d = { x = 1, "y z".w = [ 1, [2], # comment
              "three", ] }
            [t.u]
            k = 1
            [t]
            k = 2
            [[list]]
            n = 1
            [list.sub]
            m = 1
            [[list]]
            n = 2
            """)
        #expect(
            table["a"]
                == .table([
                    "b": .table([
                        "c": .integer(1),
                        "d": .table([
                            "x": .integer(1),
                            "y z": .table(["w": .array([.integer(1), .array([.integer(2)]), .string("three")])]),
                        ]),
                    ])
                ]))
        #expect(table["t"] == .table(["k": .integer(2), "u": .table(["k": .integer(1)])]))
        #expect(
            table["list"]
                == .array([
                    .table(["n": .integer(1), "sub": .table(["m": .integer(1)])]), .table(["n": .integer(2)]),
                ]))
    }

    @Test(arguments: [
        "a = 1\na = 2", "a.b = 1\na = 2", "a = 1\na.b = 2", "[a]\n[a]", "[a.b]\nc = 1\n[a]\nb = 2", "[[a]]\n[a]",
        "a = {b = 1}\na.c = 2", "a = {b = 1}\n[a.c]", "[a]\nb.c = 1\n[a.b]", "a = [1]\n[[a]]", "a = {b = 1, b = 2}",
        "[a.b]\n[a]\nb.c = 1",
    ])
    func `what is defined twice is refused`(text: String) {
        #expect(throws: TOMLError.self) { try read(text) }
    }

    @Test(arguments: [
        "a", "a =", "= 1", "a = b", "a = \"x", "a = 'x", "a = \"\"\"x\"\"", "a = [1", "a = {b = 1", "[a", "[[a]", "[]",
        "a = 1 b = 2", "a = \"\\q\"", "a = \"\\uD800\"", "a = \"\\U00110000\"", "a = \"\\u12\"", "a = \"\u{1}\"",
        "a = 1 # \u{7F}", "a = 1\rb = 2", "a..b = 1", "a = {b = 1,}", "a = \"x\ny\"", "a = 01", "[a]]",
        "\"\"\"k\"\"\" = 1",
        "a = truefalse", "a = .5",
    ])
    func `what is not TOML is refused`(text: String) {
        #expect(throws: TOMLError.self) { try read(text) }
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(throws: TOMLError.self) { try TOMLReader.read([0x61, 0x3D, 0x22, 0xFF, 0x22]) }
    }

    @Test func `depth and number have limits`() throws {
        #expect(throws: TOMLError.self) { try read("a = " + String(repeating: "[", count: 100_000)) }
        #expect(throws: TOMLError.self) { try read("a = " + String(repeating: "{a=", count: 100_000)) }
        #expect(throws: TOMLError.self) { try read(String(repeating: "a.", count: 100_000) + "a = 1") }
        #expect(throws: TOMLError.self) { try read(String(repeating: "[[a]]\n", count: 200_000)) }
    }

    @Test func `an error names its line`() {
        #expect(throws: TOMLError(line: 3, reason: "\"a\" is defined twice")) { try read("a = 1\n# c\na = 2\n") }
    }

    @Test func `no document makes the reader trap`() {
        var random = Generator(seed: 0x6B_6574_746C_65)
        let pieces = [
            "[", "]", "[[", "]]", "{", "}", "=", ",", ".", "\"", "'", "\"\"\"", "'''", "\\", "\n", "\r\n", " ", "a",
            "b",
            "1", "-", "#", "\\u", "0041", "true", "\u{0}", "é",
        ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 1...40, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            _ = try? read(text.joined())
        }
    }
}

/// SplitMix64: the same numbers in every run.
struct Generator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
