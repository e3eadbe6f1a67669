import KettleProvenance
import Testing

@Suite struct TimestampTests {
    /// Seconds as `date -u -d TEXT +%s` has them.
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"), (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"), (1_795_478_400, "2026-11-24T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"), (4_107_542_399, "2100-02-28T23:59:59Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] as [(Int64, String)])
    func `a second has one text`(seconds: Int64, text: String) {
        #expect(Statement.Timestamp(secondsSince1970: seconds).text == text)
        #expect(Statement.Timestamp(text: text)?.secondsSince1970 == seconds)
    }

    @Test(arguments: [
        "", "2026-11-24", "2026-11-24T00:00:00", "2026-11-24T00:00:00z", "2026-11-24T00:00:00.0Z",
        "2026-11-24T00:00:00+00:00", "2026-11-24 00:00:00Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-12-31T23:59:60Z", "1969-12-31T23:59:59Z", "+026-11-24T00:00:00Z",
        "２026-11-24T00:00Z",
    ])
    func `another text is no time`(text: String) {
        #expect(Statement.Timestamp(text: text) == nil)
    }

    @Test func `times beyond the format become its ends`() {
        #expect(Statement.Timestamp(secondsSince1970: .min).text == "1970-01-01T00:00:00Z")
        #expect(Statement.Timestamp(secondsSince1970: .max).text == "9999-12-31T23:59:59Z")
    }

    @Test func `days from 1970 to 2400 reads back as itself`() {
        for day in stride(from: Int64(0), through: 157_000, by: 13) {
            let time = Statement.Timestamp(secondsSince1970: day * 86_400)
            #expect(Statement.Timestamp(text: time.text) == time)
        }
    }
}
