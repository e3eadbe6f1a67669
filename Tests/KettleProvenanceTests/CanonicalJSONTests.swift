import KettleProvenance
import Testing

/// RFC 8785, JSON Canonicalization Scheme.
@Suite struct CanonicalJSONTests {
    /// Appendix B, "Number Serialization Samples": the bits of a double, and its text.
    @Test(
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7FEF_FFFF_FFFF_FFFF, "1.7976931348623157e+308"),
            (0xFFEF_FFFF_FFFF_FFFF, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0xC340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44B5_2D02_C7E1_4AF5, "9.999999999999997e+22"), (0x44B5_2D02_C7E1_4AF6, "1e+23"),
            (0x44B5_2D02_C7E1_4AF7, "1.0000000000000001e+23"), (0x444B_1AE4_D6E2_EF4E, "999999999999999700000"),
            (0x444B_1AE4_D6E2_EF4F, "999999999999999900000"), (0x444B_1AE4_D6E2_EF50, "1e+21"),
            (0x3EB0_C6F7_A0B5_ED8C, "9.999999999999997e-7"), (0x3EB0_C6F7_A0B5_ED8D, "0.000001"),
            (0x41B3_DE43_5555_5553, "333333333.3333332"), (0x41B3_DE43_5555_5554, "333333333.33333325"),
            (0x41B3_DE43_5555_5555, "333333333.3333333"), (0x41B3_DE43_5555_5556, "333333333.3333334"),
            (0x41B3_DE43_5555_5557, "333333333.33333343"), (0xBECB_F647_612F_3696, "-0.0000033333333333333333"),
            (0x4314_3FF3_C1CB_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func `a number is written as in appendix B`(bits: UInt64, text: String) throws {
        let value = Double(bitPattern: bits)
        #expect(JSONValue.number(value).canonicalString() == text)
        let read = try #require(JSONValue(parsing: Array(text.utf8)).numberValue)
        #expect(read == value)
    }

    /// Integers beyond 2⁵³ are written as the double next to them, as ECMAScript would.
    @Test(
        arguments: [
            (.integer(0), "0"), (-7, "-7"), (.integer(9_007_199_254_740_992), "9007199254740992"),
            (.integer(9_007_199_254_740_993), "9007199254740992"), (.integer(.max), "9223372036854776000"),
            (.integer(.min), "-9223372036854776000"), (.number(4.5), "4.5"), (.number(100), "100"),
            (.number(0.1), "0.1"),
            (.number(1e20), "100000000000000000000"), (.number(123e-7), "0.0000123"), (.number(1.5e-8), "1.5e-8"),
            (.number(.infinity), "null"), (.number(.nan), "null"),
        ] as [(JSONValue, String)])
    func `other numbers follow the same rule`(value: JSONValue, text: String) {
        #expect(value.canonicalString() == text)
    }

    /// Section 3.2.2 with its output in section 3.2.3.
    @Test func `the sample of section 3 comes out as there`() throws {
        let input = #"""
            {
              "numbers": [333333333.33333329, 1E30, 4.50,
                          2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """#
        let output =
            #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#
            + #""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        #expect(try JSONValue(parsing: Array(input.utf8)).canonicalString() == output)
    }

    /// Section 3.2.3, the sorting sample.
    @Test func `members sort by UTF-16 code units`() throws {
        let input = #"""
            {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
             "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}
            """#
        let text = try JSONValue(parsing: Array(input.utf8)).canonicalString()
        let order = [
            "Carriage Return", "One", "Control", "Latin Small", "Euro Sign", "Emoji: Grinning Face", "Hebrew Letter",
        ]
        let places = try order.map { try #require(text.firstRange(of: $0)).lowerBound }
        #expect(places == places.sorted())
    }

    @Test func `members sort like UTF-16 for any names`() {
        var random = SeededGenerator(seed: 8785)
        let scalars: [Unicode.Scalar] = [
            "\0", "a", "é", "\u{7FF}", "\u{800}", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "😀", "\u{10FFFF}",
        ]
        for _ in 0..<300 {
            let names = (0..<6).map { _ in
                var text = String.UnicodeScalarView()
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    if let scalar = scalars.randomElement(using: &random) { text.append(scalar) }
                }
                return String(text)
            }
            let object = Dictionary(names.map { ($0, JSONValue.null) }, uniquingKeysWith: { first, _ in first })
            let sorted = object.keys.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
            let expected =
                "{" + sorted.map { JSONValue.string($0).canonicalString() + ":null" }.joined(separator: ",") + "}"
            #expect(JSONValue.object(object).canonicalString() == expected)
        }
    }

    @Test func `strings escape control characters, quotes and backslashes only`() {
        let text = "\u{0}\u{7}\u{8}\t\n\u{B}\u{C}\r\u{1F} \"\\/\u{7F}\u{2028}é😀"
        #expect(
            JSONValue.string(text).canonicalString()
                == #""\u0000\u0007\b\t\n\u000b\f\r\u001f \"\\/"# + "\u{7F}\u{2028}é😀\"")
    }

    @Test func `any double reads back as itself`() throws {
        var random = SeededGenerator(seed: 754)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let text = JSONValue.number(value).canonicalString()
            let read = try #require(JSONValue(parsing: Array(text.utf8)).numberValue)
            #expect(read == value, "\(text)")
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
