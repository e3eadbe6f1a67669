package import KettleStore
import Synchronization

/// A build that runs, for those who follow it.
///
/// Two tasks: the work, which may be cancelled, and the end, which may not be, because a build that was cancelled is
/// recorded and cleared away like any other. The end does not wait for work that is slow to notice that it was cancelled: who
/// cancels is answered, and what the work still does goes nowhere.
package final class RunningBuild: Sendable {
    /// How long the work may take to notice that it was cancelled before the build ends without it.
    private static let grace = Duration.milliseconds(500)

    /// Callers that wait for the end of one build: each holds a connection, whether its client is still there or not.
    private static let waitingLimit = 64

    package let id: BuildID
    package let events: EventLog
    /// On whose account it runs.
    package let owner: String?
    private let state = Mutex(State())

    private struct State {
        var work: Task<SealedBuild, any Error>?
        var end: Task<Void, Never>?
        var first: AsyncStream<Result<SealedBuild, any Error>>.Continuation?
        var outcome: BuildOutcome??
        var waiting: [UInt64: CheckedContinuation<BuildOutcome?, any Error>] = [:]
        var nextWaiter: UInt64 = 0
        var cancellation: Cancellation?
        var place: Int?
        var isCounted = false
    }

    init(id: BuildID, events: EventLog, owner: String?) {
        self.id = id
        self.events = events
        self.owner = owner
    }

    /// Begins once the service knows of the build, so that it cannot end before it is known.
    ///
    /// - Parameters:
    ///   - record: Brings the build to its recorded end; nil leaves it for the next start of the service.
    ///   - leave: Clears away, when the work is over.
    func begin(
        _ run: @escaping @Sendable () async throws -> SealedBuild,
        record: @escaping @Sendable (Result<SealedBuild, any Error>) async -> BuildOutcome?,
        leave: @escaping @Sendable () async -> Void
    ) {
        let (results, first) = AsyncStream.makeStream(of: Result<SealedBuild, any Error>.self)
        state.withLock { state in
            let work = Task { try await run() }
            state.work = work
            state.first = first
            state.end = Task {
                let watch = Task { _ = first.yield(await work.result) }
                var ended = results.makeAsyncIterator()
                self.tell(await record(await ended.next() ?? .failure(CancellationError())))
                await watch.value
                await leave()
            }
            if state.cancellation != nil { stop(state) }
        }
    }

    /// Waits for the end; nil when the service stopped before it, and the build goes on at its next start.
    ///
    /// - Throws: ``BuildError/tooManyWaiting``, and `CancellationError`.
    package func outcome() async throws -> BuildOutcome? { try await outcome(isBounded: true) }

    /// - Parameter isBounded: Whether there may be too many who wait.
    func outcome(isBounded: Bool) async throws -> BuildOutcome? {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<BuildOutcome?, any Error>? = state.withLock { state in
                    if let outcome = state.outcome { return .success(outcome) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    guard !isBounded || state.waiting.count < Self.waitingLimit else {
                        return .failure(BuildError.tooManyWaiting)
                    }
                    state.waiting[id] = continuation
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }

    /// Whether the end is recorded, though something of the build may still run.
    var hasEnded: Bool { state.withLock { $0.outcome != nil } }

    /// Whether ``begin(_:record:leave:)`` was called.
    var hasBegun: Bool { state.withLock { $0.end != nil } }

    private func tell(_ outcome: BuildOutcome?) {
        let waiting = state.withLock { state in
            state.outcome = .some(outcome)
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: outcome) }
    }

    /// Waits until nothing of the build runs and what it used is cleared away.
    func left() async {
        await state.withLock { $0.end }?.value
    }

    /// Why a build was cancelled.
    enum Cancellation: Sendable {
        /// Somebody asked for it.
        case asked
        /// The service stops.
        case stopping
    }

    /// Asks the build to end now; the first reason counts.
    func cancel(_ reason: Cancellation) {
        state.withLock { state in
            guard state.cancellation == nil else { return }
            state.cancellation = reason
            stop(state)
        }
    }

    var cancellation: Cancellation? { state.withLock { $0.cancellation } }

    private func stop(_ state: State) {
        guard let work = state.work, let first = state.first else { return }
        work.cancel()
        Task {
            try? await Task.sleep(for: Self.grace)
            first.yield(.failure(CancellationError()))
        }
    }

    /// Whether this process has counted an attempt of the build.
    var isCounted: Bool { state.withLock { $0.isCounted } }

    /// - Returns: Whether it was not counted before.
    func count() -> Bool {
        state.withLock { state in
            defer { state.isCounted = true }
            return !state.isCounted
        }
    }

    /// The place in the line that was told last; nil for a build that does not wait for its turn.
    package var place: Int? { state.withLock { $0.place } }

    func note(place: Int?) {
        state.withLock { $0.place = place }
    }
}
