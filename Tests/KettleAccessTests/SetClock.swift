import Synchronization

/// A clock that stands until it is set, in milliseconds.
final class SetClock: Sendable {
    private let time: Atomic<Int64>

    /// - Parameter time: By default a day's beginning.
    init(_ time: Int64 = 20_000 * 86_400_000) {
        self.time = Atomic(time)
    }

    var now: Int64 { time.load(ordering: .relaxed) }

    func advance(seconds: Int64) { time.add(seconds * 1000, ordering: .relaxed) }
}
