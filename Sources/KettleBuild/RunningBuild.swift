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
package final class RunningBuild: Sendable {
    package let id: BuildID
    package let events: EventLog
    private let body: @Sendable () async -> BuildOutcome
    private let task = Mutex<Task<BuildOutcome, Never>?>(nil)

    init(id: BuildID, events: EventLog, _ body: @escaping @Sendable () async -> BuildOutcome) {
        self.id = id
        self.events = events
        self.body = body
    }

    /// Begins once the service knows of the build, so that it cannot end before it is known.
    func begin() {
        task.withLock { $0 = Task { [body] in await body() } }
    }

    /// Waits for the end.
    package func outcome() async -> BuildOutcome? {
        await task.withLock { $0 }?.value
    }

    /// Asks the build to end now; it ends as failed.
    func cancel() {
        task.withLock { $0 }?.cancel()
    }
}
