import KettleAccess
import KettleStore
import KettleTesting
import SystemPackage
import Testing

@Suite struct QuotaTests {
    private let clock = SetClock()
    private let scratch: ScratchFolder
    private let alice = Caller(owner: "alice", scopes: [.submit])
    private let bob = Caller(owner: "bob", scopes: [.submit])

    init() throws {
        scratch = try ScratchFolder()
    }

    /// A store of its own each time, as after a restart.
    private func usage() throws -> UsageStore {
        UsageStore(of: try BuildStore(in: DataFolder(sharing: scratch.path)))
    }

    private func quota(_ limits: QuotaLimits) throws -> Quota {
        Quota(limits, usage: try usage()) { [clock] in clock.now }
    }

    @Test func `builds are counted by the hour, for each owner, and over a restart`() async throws {
        let limits = QuotaLimits(buildsPerHour: 2)
        clock.advance(seconds: 600)
        try await quota(limits).countBuild(of: alice)
        let quota = try quota(limits)
        try await quota.check(alice)
        try await quota.countBuild(of: alice)
        let refusal = QuotaError.builds(limit: 2, retryAfter: 3000)
        await #expect(throws: refusal) { try await quota.check(alice) }
        await #expect(throws: refusal) { try await quota.countBuild(of: alice) }
        try await quota.countBuild(of: bob)
        clock.advance(seconds: 2999)
        await #expect(throws: QuotaError.builds(limit: 2, retryAfter: 1)) { try await quota.check(alice) }
        clock.advance(seconds: 1)
        try await quota.countBuild(of: alice)
    }

    @Test func `of builds that come at the same time no more begin than there are left`() async throws {
        let quota = try quota(QuotaLimits(buildsPerHour: 5))
        let begun = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask { [alice] in (try? await quota.countBuild(of: alice)) != nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(begun == 5)
    }

    @Test func `what was sent counts for the day, and what was set aside for more is given back`() async throws {
        let limit: Int64 = 40 << 20
        let quota = try quota(QuotaLimits(bytesPerDay: limit))
        let first = try #require(quota.allowance(for: alice))
        for _ in 0..<10 { try await first.take(1 << 20) }
        await first.settle()
        let used = try await usage().usage(of: "alice", at: clock.now)
        #expect(used.day.bytes == 10 << 20)

        // Two at the same time have what is left between them, to the byte.
        let (second, third) = (try #require(quota.allowance(for: alice)), try #require(quota.allowance(for: alice)))
        try await second.take(20 << 20)
        try await third.take(10 << 20)
        let refusal = QuotaError.bytes(limit: limit, retryAfter: 86_400)
        await #expect(throws: refusal) { try await second.take(1) }
        await #expect(throws: refusal) { try await quota.check(alice) }
        await second.settle()
        await third.settle()
        #expect(try await usage().usage(of: "alice", at: clock.now).day.bytes == limit)
        try await quota.check(bob)
        clock.advance(seconds: 86_400)
        try await quota.check(alice)
    }

    @Test func `minutes that builds ran keep the next one from beginning that day`() async throws {
        let quota = try quota(QuotaLimits(minutesPerDay: 10))
        try await usage().add(Usage(milliseconds: 599_999), to: "alice", at: clock.now)
        try await quota.check(alice)
        clock.advance(seconds: 7200)
        try await usage().add(Usage(milliseconds: 1), to: "alice", at: clock.now)
        await #expect(throws: QuotaError.minutes(limit: 10, retryAfter: 86_400 - 7200)) { try await quota.check(alice) }
        clock.advance(seconds: 86_400)
        try await quota.check(alice)
    }

    @Test func `what is older than two days is forgotten`() async throws {
        let start = clock.now
        try await usage().add(Usage(builds: 3), to: "alice", at: start)
        clock.advance(seconds: 49 * 3600)
        try await usage().add(Usage(builds: 1), to: "bob", at: clock.now)
        #expect(try await usage().usage(of: "alice", at: start).day.builds == 0)
    }
}
