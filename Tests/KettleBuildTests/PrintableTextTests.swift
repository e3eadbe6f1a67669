import KettleBuild
import Testing

@Suite struct PrintableTextTests {
    @Test(arguments: [
        ("plain text, with ünïcode and a\ttab", "plain text, with ünïcode and a\ttab"),
        ("\u{1B}[1m\u{1B}[32mgreen\u{1B}[0m", "green"),
        ("\u{1B}]0;a new window title\u{07}after", "after"),
        ("\u{1B}]8;;http://evil.example\u{1B}\\link\u{1B}]8;;\u{1B}\\", "link"),
        ("\u{9B}31mred", "red"),
        ("back\u{08}space\u{7F}", "back\u{FFFD}space\u{FFFD}"),
        ("two\rlines", "two\u{FFFD}lines"),
        ("user\u{202E}nimda", "user\u{FFFD}nimda"),
        ("a\u{2028}b\u{85}c", "a\u{FFFD}b\u{FFFD}c"),
        ("cut off \u{1B}[3", "cut off "),
    ])
    func `what could steer a terminal is taken out`(raw: String, harmless: String) {
        #expect(PrintableText.make(from: raw) == harmless)
    }

    @Test func `bytes that are not UTF-8 become replacement characters`() {
        let bytes: [UInt8] = [0x61, 0xFF, 0xC3, 0x28, 0x62]
        let text = bytes.withUnsafeBytes { PrintableText.make(from: $0) }
        #expect(text == "a\u{FFFD}\u{FFFD}(b")
    }
}
