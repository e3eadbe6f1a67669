import KettleBuild
import Synchronization
import Testing

/// What the bodies of one test count together.
private final class Counts: Sendable {
    let values = Mutex((now: 0, most: 0, total: 0))
}

@Suite(.timeLimit(.minutes(1))) struct BuildSlotsTests {
    @Test func `no more bodies run at once than there are slots, and each runs`() async throws {
        let slots = BuildSlots(count: 3)
        let counts = Counts()
        try await withThrowingTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    try await slots.withSlot(onWait: { _ in }) {
                        counts.values.withLock {
                            $0.now += 1
                            $0.total += 1
                            $0.most = max($0.most, $0.now)
                        }
                        for _ in 0..<10 { await Task.yield() }
                        counts.values.withLock { $0.now -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(counts.values.withLock { $0.total } == 50)
        #expect(counts.values.withLock { $0.most } == 3)
    }

    @Test func `who is cancelled while waiting leaves the line and takes no slot with it`() async throws {
        let slots = BuildSlots(count: 1)
        let (waits, waiting) = AsyncStream.makeStream(of: Int.self)
        let (gate, opener) = AsyncStream.makeStream(of: Void.self)
        let holder = Task {
            try await slots.withSlot(onWait: { _ in }) {
                waiting.yield(0)
                for await _ in gate { break }
            }
        }
        var places = waits.makeAsyncIterator()
        #expect(await places.next() == 0)
        let waiter = Task {
            try await slots.withSlot(onWait: { waiting.yield($0) }) { Issue.record("the waiter was cancelled") }
        }
        #expect(await places.next() == 1)
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        opener.yield()
        try await holder.value
        #expect(try await slots.withSlot(onWait: { _ in Issue.record("the slot is free") }) { 7 } == 7)
    }
}
