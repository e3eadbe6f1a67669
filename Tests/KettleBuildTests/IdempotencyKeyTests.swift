import KettleBuild
import Testing

@Suite struct IdempotencyKeyTests {
    @Test(arguments: [
        "8e03978e-40d5-43dd-bc93-6894a57f9324", "\"8e03978e\"", "\"a \\\"quoted\\\" key\"", "a", "\"\\\\\"",
    ])
    func `a key comes bare or as a string of structured fields`(header: String) {
        #expect(IdempotencyKey(header: header) != nil)
    }

    @Test func `quotes are not part of the key`() {
        #expect(IdempotencyKey(header: "\"abc\"") == IdempotencyKey(header: "abc"))
        #expect(IdempotencyKey(header: "\"a\\\"c\"") == IdempotencyKey(header: "a\"c"))
    }

    @Test(arguments: [
        "", "\"\"", "\"", "\"a", "\"a\"b\"", "\"a\\\"", "\"a\\n\"", "a\tb", "k\u{E9}y", "\u{1F511}",
        String(repeating: "k", count: 256),
    ])
    func `anything else is none`(header: String) {
        #expect(IdempotencyKey(header: header) == nil)
    }
}
