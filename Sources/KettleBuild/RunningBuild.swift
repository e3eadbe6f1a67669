package import KettleStore
import Synchronization

/// How a build ended, as `POST /build` answers it.
package struct BuildOutcome: Sendable {
    package var state: BuildRecord.State
    package var httpStatus: Int
    /// The JSON object of API section 1.3.
    package var result: [UInt8]
}

/// A build that runs, for those who follow it.
///
/// Two tasks: the work, which may be cancelled, and the end, which may not be, because a build that was cancelled is
/// recorded and cleared away like any other.
package final class RunningBuild: Sendable {
    package let id: BuildID
    package let events: EventLog
    private let run: @Sendable () async throws -> SealedBuild
    private let finish: @Sendable (Result<SealedBuild, any Error>) async -> BuildOutcome
    private let tasks = Mutex<(work: Task<SealedBuild, any Error>, end: Task<BuildOutcome, Never>)?>(nil)

    init(
        id: BuildID, events: EventLog, run: @escaping @Sendable () async throws -> SealedBuild,
        finish: @escaping @Sendable (Result<SealedBuild, any Error>) async -> BuildOutcome
    ) {
        self.id = id
        self.events = events
        self.run = run
        self.finish = finish
    }

    /// Begins once the service knows of the build, so that it cannot end before it is known.
    func begin() {
        tasks.withLock { tasks in
            let work = Task { [run] in try await run() }
            tasks = (work, Task { [finish] in await finish(work.result) })
        }
    }

    /// Waits for the end.
    package func outcome() async -> BuildOutcome? {
        await tasks.withLock { $0?.end }?.value
    }

    /// Asks the build to end now; it ends as failed.
    func cancel() {
        tasks.withLock { $0?.work }?.cancel()
    }
}
