import KettleBuild
import Synchronization

/// What takes its time and is done for few callers at once: some have their turn, a few more wait, and the rest is sent away.
final class WaitingRoom: Sendable {
    private let places: Int
    private let turns: BuildSlots
    private let callers = Mutex(0)

    /// - Parameters:
    ///   - places: For those who wait and those who have their turn.
    ///   - turns: For how many at once it is done.
    init(places: Int, turns: Int) {
        self.places = places
        self.turns = BuildSlots(count: turns)
    }

    /// - Parameter body: Takes its turn itself, when it has what it needs.
    /// - Throws: `refusal` where all places are taken, and what `body` throws.
    func admit<Result>(
        else refusal: ProblemDetails, _ body: (BuildSlots) async throws -> Result
    ) async throws -> Result {
        let isAdmitted = callers.withLock { callers in
            guard callers < places else { return false }
            callers += 1
            return true
        }
        guard isAdmitted else { throw refusal }
        defer { callers.withLock { $0 -= 1 } }
        return try await body(turns)
    }
}
