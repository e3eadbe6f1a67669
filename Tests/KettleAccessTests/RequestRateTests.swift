import KettleAccess
import KettleError
import Testing

@Suite struct RequestRateTests {
    private let clock = SetClock()

    @Test func `as many as the limit come at once, and then one each time that one has drained`() throws {
        let rate = RequestRate(limit: 60) { [clock] in clock.now }
        for _ in 0..<60 { try rate.admit("a") }
        #expect(throws: QuotaError.requests(limit: 60, retryAfter: 1)) { try rate.admit("a") }
        // Others are not held up by one.
        try rate.admit("b")
        clock.advance(seconds: 1)
        try rate.admit("a")
        #expect(throws: QuotaError.requests(limit: 60, retryAfter: 1)) { try rate.admit("a") }
        clock.advance(seconds: 60)
        for _ in 0..<60 { try rate.admit("a") }
        #expect(throws: QuotaError.self) { try rate.admit("a") }
    }

    @Test func `the refusal says when one may come again`() throws {
        let rate = RequestRate(limit: 1) { [clock] in clock.now }
        try rate.admit("a")
        #expect(throws: QuotaError.requests(limit: 1, retryAfter: 60)) { try rate.admit("a") }
        clock.advance(seconds: 59)
        #expect(throws: QuotaError.requests(limit: 1, retryAfter: 1)) { try rate.admit("a") }
        clock.advance(seconds: 1)
        try rate.admit("a")
    }

    @Test func `a crowd of callers takes no more places than there are, and makes room when it is gone`() throws {
        let rate = RequestRate(limit: 2) { [clock] in clock.now }
        for number in 0..<100_000 { try rate.admit("caller \(number)") }
        // Whoever comes now shares one place.
        try rate.admit("late")
        try rate.admit("later")
        #expect(throws: QuotaError.self) { try rate.admit("latest") }
        // Those that have a place keep it.
        try rate.admit("caller 7")
        clock.advance(seconds: 61)
        try rate.admit("latest")
        try rate.admit("latest")
        try rate.admit("another")
    }
}
