import Synchronization

/// How many callers may do a thing at the same time; the others wait, and those who have least get the next free slot.
///
/// An actor because every running build asks it for a slot and gives it back.
package actor BuildSlots {
    private struct Waiting {
        var ticket: UInt64
        var owner: String?
        var onPlace: @Sendable (Int) -> Void
        /// The place that was told last.
        var place: Int
        var turn: CheckedContinuation<Void, any Error>
    }

    private var free: Int
    /// In the order in which they came.
    private var waiting: [Waiting] = []
    /// Slots taken, by who has them; nobody with none is in it.
    private var held: [String?: Int] = [:]
    /// When each owner in ``held`` or in ``waiting`` got a slot last, in tickets.
    private var served: [String?: UInt64] = [:]
    private var nextTicket: UInt64 = 0

    package init(count: Int) {
        free = max(1, count)
    }

    /// Runs `body` in a slot of its own.
    ///
    /// Among those who wait, the next slot goes to an owner who holds the fewest, and of these to the one whose turn was longest
    /// ago: whoever sends a hundred builds holds up his own. What one owner sends keeps its order.
    ///
    /// - Parameters:
    ///   - owner: On whose account it is; everybody without one counts as one.
    ///   - onPlace: Told the place in the line, from 1, when there is no free slot, and then whenever it has changed.
    /// - Throws: `CancellationError` when cancelled while waiting, and what `body` throws.
    package func withSlot<Result: Sendable>(
        of owner: String? = nil, onPlace: @escaping @Sendable (Int) -> Void = { _ in },
        _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        try await acquire(owner, onPlace)
        defer { release(owner) }
        return try await body()
    }

    /// A slot that is given back before what it was needed for is over.
    package final class Hold: Sendable {
        private let slots: BuildSlots
        private let owner: String?
        private let isHeld = Mutex(true)

        fileprivate init(_ slots: BuildSlots, _ owner: String?) {
            self.slots = slots
            self.owner = owner
        }

        /// Gives the slot back; a second time nothing happens.
        package func giveBack() async {
            let wasHeld = isHeld.withLock { isHeld in
                defer { isHeld = false }
                return isHeld
            }
            if wasHeld { await slots.release(owner) }
        }
    }

    /// Takes a slot, as ``withSlot(of:onPlace:_:)`` does, that the caller gives back.
    package func hold(
        of owner: String?, onPlace: @escaping @Sendable (Int) -> Void
    ) async throws -> Hold {
        try await acquire(owner, onPlace)
        return Hold(self, owner)
    }

    private func acquire(_ owner: String?, _ onPlace: @escaping @Sendable (Int) -> Void) async throws {
        try Task.checkCancellation()
        nextTicket += 1
        let ticket = nextTicket
        if free > 0 {
            free -= 1
            give(to: owner, ticket)
            return
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (turn: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled {
                    turn.resume(throwing: CancellationError())
                } else {
                    waiting.append(
                        Waiting(ticket: ticket, owner: owner, onPlace: onPlace, place: .max, turn: turn))
                    tellPlaces()
                }
            }
        } onCancel: {
            Task { await self.leave(ticket) }
        }
    }

    private func give(to owner: String?, _ ticket: UInt64) {
        held[owner, default: 0] += 1
        served[owner] = ticket
    }

    private func leave(_ ticket: UInt64) {
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
        let left = waiting.remove(at: index)
        forget(left.owner)
        left.turn.resume(throwing: CancellationError())
        tellPlaces()
    }

    private func release(_ owner: String?) {
        let remaining = held[owner, default: 1] - 1
        held[owner] = remaining > 0 ? remaining : nil
        guard let index = line().first else {
            free += 1
            return forget(owner)
        }
        let next = waiting.remove(at: index)
        nextTicket += 1
        give(to: next.owner, nextTicket)
        forget(owner)
        next.turn.resume()
        tellPlaces()
    }

    /// What is known of an owner who neither has anything nor wants anything is not kept.
    private func forget(_ owner: String?) {
        if held[owner] == nil, !waiting.contains(where: { $0.owner == owner }) { served[owner] = nil }
    }

    /// The indices of those who wait, in the order in which they would get slots if nobody else came.
    private func line() -> [Int] {
        var before: [String?: Int] = [:]
        let ranked = waiting.indices.map { index in
            let owner = waiting[index].owner
            let round = held[owner, default: 0] + before[owner, default: 0]
            before[owner, default: 0] += 1
            return (round: round, served: served[owner] ?? 0, index: index)
        }
        return ranked.sorted { ($0.round, $0.served, $0.index) < ($1.round, $1.served, $1.index) }.map(\.index)
    }

    /// Far back in the line not every step counts: a line of a thousand would write a million events.
    private func tellPlaces() {
        for (offset, index) in line().enumerated() {
            let place = offset + 1
            let told = waiting[index].place
            guard told == .max || (place != told && (place <= 10 || abs(told - place) >= told / 10)) else { continue }
            waiting[index].place = place
            waiting[index].onPlace(place)
        }
    }
}
