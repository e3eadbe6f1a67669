import KettleBuild
import Synchronization

/// What takes its time and is done for few callers at once: some have their turn, a few more wait, and the rest is sent away.
final class WaitingRoom: Sendable {
    private let places: Int
    private let turns: BuildSlots
    /// Places taken, by owner.
    private let callers = Mutex<[String?: Int]>([:])

    /// - Parameters:
    ///   - places: For those who wait and those who have their turn.
    ///   - turns: For how many at once it is done.
    init(places: Int, turns: Int) {
        self.places = places
        self.turns = BuildSlots(count: turns)
    }

    /// - Parameters:
    ///   - owner: Who asks; one owner has half of the places at most. Whoever has none counts as nobody.
    ///   - body: Takes its turn itself, when it has what it needs.
    /// - Throws: `refusal` where the places are taken, and what `body` throws.
    func admit<Result>(
        _ owner: String? = nil, else refusal: ProblemDetails, _ body: (BuildSlots) async throws -> Result
    ) async throws -> Result {
        let isAdmitted = callers.withLock { callers in
            let own = callers[owner, default: 0]
            guard callers.values.reduce(0, +) < places, owner == nil || own < max(1, places / 2) else { return false }
            callers[owner] = own + 1
            return true
        }
        guard isAdmitted else { throw refusal }
        defer {
            callers.withLock { callers in
                let left = callers[owner, default: 1] - 1
                callers[owner] = left > 0 ? left : nil
            }
        }
        return try await body(turns)
    }
}
