import KettleBuild
import Synchronization
import Testing

/// What the bodies of one test count together.
private final class Counts: Sendable {
    let values = Mutex((now: 0, most: 0, total: 0))
}

@Suite(.timeLimit(.minutes(5))) struct BuildSlotsTests {
    @Test func `no more bodies run at once than there are slots, and each runs`() async throws {
        let slots = BuildSlots(count: 3)
        let counts = Counts()
        try await withThrowingTaskGroup { group in
            for _ in 0..<50 {
                group.addTask {
                    try await slots.withSlot {
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
            try await slots.withSlot {
                waiting.yield(0)
                for await _ in gate { break }
            }
        }
        var places = waits.makeAsyncIterator()
        #expect(await places.next() == 0)
        let waiter = Task {
            try await slots.withSlot(onPlace: { waiting.yield($0) }) { Issue.record("the waiter was cancelled") }
        }
        #expect(await places.next() == 1)
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        opener.yield()
        try await holder.value
        #expect(try await slots.withSlot(onPlace: { _ in Issue.record("the slot is free") }) { 7 } == 7)
    }

    @Test func `the next slot goes to who has fewest, and one who sends a hundred holds up only himself`() async throws
    {
        let line = Line(slots: 1)
        await line.send("first", of: "greedy")
        for number in 1...4 { await line.send("greedy \(number)", of: "greedy") }
        for name in ["anna 1", "anna 2"] { await line.send(name, of: "anna") }
        await line.send("otto 1", of: "otto")
        // Who holds nothing comes before who holds one; then everybody in turn.
        #expect(
            await line.places == [
                "anna 1": 1, "otto 1": 2, "anna 2": 3, "greedy 1": 4, "greedy 2": 5, "greedy 3": 6, "greedy 4": 7,
            ])
        await line.drain()
        #expect(
            await line.order == [
                "first", "anna 1", "otto 1", "greedy 1", "anna 2", "greedy 2", "greedy 3", "greedy 4",
            ])
    }

    @Test func `what one owner sends keeps its order, and nobody's places go up while nobody comes`() async throws {
        let line = Line(slots: 2)
        for number in 1...60 { await line.send("\(number)", of: nil) }
        await line.drain()
        #expect(await line.order == (1...60).map(String.init))
        let told = await line.told["60"] ?? []
        #expect(told.first == 58)
        #expect(told == told.sorted(by: >))
        #expect(told.suffix(10) == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    }
}

/// A line in front of slots, whose bodies end when they are told to.
private actor Line {
    private let slots: BuildSlots
    private let count: Int
    private var doors: [String: CheckedContinuation<Void, Never>] = [:]
    private var tasks: [Task<Void, any Error>] = []
    private(set) var order: [String] = []
    private let noted = Notes()

    private final class Notes: Sendable {
        let places = Mutex<[String: [Int]]>([:])
    }

    var told: [String: [Int]] { noted.places.withLock { $0 } }
    var places: [String: Int] { told.compactMapValues(\.last).filter { !order.contains($0.key) } }

    init(slots count: Int) {
        self.count = count
        slots = BuildSlots(count: count)
    }

    /// Comes into the line, and returns when it has a slot or a place.
    func send(_ name: String, of owner: String?) async {
        tasks.append(
            Task { [noted] in
                try await slots.withSlot(of: owner) { place in
                    noted.places.withLock { $0[name, default: []].append(place) }
                } _: {
                    await self.enter(name)
                }
            })
        while told[name] == nil, !order.contains(name) { try? await Task.sleep(for: .milliseconds(1)) }
    }

    private func enter(_ name: String) async {
        order.append(name)
        await withCheckedContinuation { doors[name] = $0 }
    }

    /// Lets one after the other out until nobody is left.
    func drain() async {
        for left in 0..<tasks.count {
            while order.count < min(tasks.count, left + count) || doors[order[left]] == nil {
                try? await Task.sleep(for: .milliseconds(1))
            }
            doors[order[left]]?.resume()
        }
    }
}
