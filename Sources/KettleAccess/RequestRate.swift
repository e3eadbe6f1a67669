import Synchronization

/// Holds callers to a number of requests each minute: a bucket for each, which empties by one with each request and fills
/// evenly. One that was left alone for a minute is full, and then forgotten.
package final class RequestRate: Sendable {
    /// So many callers are told apart at one time; any more share one bucket.
    static let bucketLimit = 100_000
    /// How often full buckets are looked for when there is no place left, in milliseconds.
    private static let sweepInterval: Int64 = 1000

    private let limit: Int64
    /// Milliseconds of a clock that never goes back.
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())

    private struct State {
        /// When each bucket will be full, by caller: all that has to be known of one.
        var fullAt: [String: Int64] = [:]
        var sweptAt: Int64 = .min
    }

    /// - Parameter limit: Requests in a minute, at least 1 and at most 60,000; so many may also come at once.
    package convenience init(limit: Int64) {
        let start = ContinuousClock.now
        self.init(limit: limit) { Int64((ContinuousClock.now - start) / .milliseconds(1)) }
    }

    package init(limit: Int64, now: @escaping @Sendable () -> Int64) {
        self.limit = limit
        self.now = now
    }

    /// Counts a request.
    ///
    /// - Throws: ``QuotaError/requests(limit:retryAfter:)``; then it is not counted.
    package func admit(_ caller: String) throws(QuotaError) {
        let time = now()
        let cost = 60_000 / limit
        let wait = state.withLock { state -> Int64 in
            var caller = caller
            if state.fullAt[caller] == nil, state.fullAt.count >= Self.bucketLimit {
                if time - Self.sweepInterval > state.sweptAt {
                    state.fullAt = state.fullAt.filter { $0.value > time }
                    state.sweptAt = time
                }
                if state.fullAt.count >= Self.bucketLimit { caller = "" }
            }
            let full = max(state.fullAt[caller] ?? time, time) + cost
            guard full - time <= cost * limit else { return full - time - cost * limit }
            state.fullAt[caller] = full
            return 0
        }
        guard wait == 0 else { throw .requests(limit: limit, retryAfter: (wait + 999) / 1000) }
    }
}
