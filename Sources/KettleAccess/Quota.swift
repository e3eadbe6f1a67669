package import KettleStore

/// Holds owners to what they may use of builds. What they used is in the store, so a restart gives nothing back.
package struct Quota: Sendable {
    private let limits: QuotaLimits
    private let usage: UsageStore
    /// Milliseconds since 1970, UTC.
    private let now: @Sendable () -> Int64

    package init(_ limits: QuotaLimits, usage: UsageStore, now: @escaping @Sendable () -> Int64) {
        self.limits = limits
        self.usage = usage
        self.now = now
    }

    /// Whether a build of this caller's could begin, asked before anything of it is read.
    ///
    /// - Throws: ``QuotaError``, and what the store throws.
    package func check(_ caller: Caller) async throws {
        let time = now()
        let used = try await usage.usage(of: caller.account, at: time)
        if let refusal = refusal(hour: used.hour, day: used.day, at: time) { throw refusal }
    }

    /// Counts a build that is about to begin.
    ///
    /// - Throws: As ``check(_:)`` does; then nothing is counted.
    package func countBuild(of caller: Caller) async throws {
        guard limits.buildsPerHour != nil else { return }
        let time = now()
        let refusal = try await usage.add(Usage(builds: 1), to: caller.account, at: time) { hour, day in
            self.refusal(hour: hour, day: day, at: time)
        }
        if let refusal { throw refusal }
    }

    /// What one request may send; nil where there is no limit.
    package func allowance(for caller: Caller) -> UploadAllowance? {
        limits.bytesPerDay.map { UploadAllowance(limit: $0, owner: caller.account, usage: usage, now: now) }
    }

    private func refusal(hour: Usage, day: Usage, at time: Int64) -> QuotaError? {
        if let limit = limits.buildsPerHour, hour.builds >= limit {
            return .builds(limit: limit, retryAfter: QuotaError.seconds(toNext: 3600, from: time))
        }
        let tomorrow = QuotaError.seconds(toNext: 86_400, from: time)
        if let limit = limits.minutesPerDay, day.milliseconds / 60_000 >= limit {
            return .minutes(limit: limit, retryAfter: tomorrow)
        }
        if let limit = limits.bytesPerDay, day.bytes >= limit { return .bytes(limit: limit, retryAfter: tomorrow) }
        return nil
    }
}

extension Caller {
    /// Whom the store charges; whoever has no owner shares one account.
    fileprivate var account: String { owner ?? "" }
}
