/// How many builds may run their toolchain at the same time; the others wait in the order in which they came.
///
/// An actor because every running build asks it for a slot and gives it back.
package actor BuildSlots {
    private var free: Int
    private var waiting: [(ticket: UInt64, turn: CheckedContinuation<Void, any Error>)] = []
    private var nextTicket: UInt64 = 0

    package init(count: Int) {
        free = max(1, count)
    }

    /// Runs `body` in a slot of its own.
    ///
    /// - Parameter onWait: Told the place in the line, from 1, when there is no free slot.
    /// - Throws: `CancellationError` when cancelled while waiting, and what `body` throws.
    package func withSlot<Result: Sendable>(
        onWait: @Sendable (Int) -> Void, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        try await acquire(onWait: onWait)
        defer { release() }
        return try await body()
    }

    private func acquire(onWait: @Sendable (Int) -> Void) async throws {
        try Task.checkCancellation()
        if free > 0 {
            free -= 1
            return
        }
        nextTicket += 1
        let ticket = nextTicket
        onWait(waiting.count + 1)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (turn: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled {
                    turn.resume(throwing: CancellationError())
                } else {
                    waiting.append((ticket, turn))
                }
            }
        } onCancel: {
            Task { await self.leave(ticket) }
        }
    }

    private func leave(_ ticket: UInt64) {
        guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
        waiting.remove(at: index).turn.resume(throwing: CancellationError())
    }

    private func release() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().turn.resume()
        }
    }
}
