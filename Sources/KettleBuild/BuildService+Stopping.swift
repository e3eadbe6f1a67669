import KettleSandbox
package import KettleStore
import Logging
import NIOPosix
import Synchronization

extension BuildService {
    // MARK: - Cancelling and removing

    package enum Removal: Sendable {
        /// The build ran; this is how it ended.
        case cancelled(BuildOutcome)
        /// The build ran and runs no more, but its end is not recorded yet: the disk does not take it.
        case cancelling
        /// The build had ended and is forgotten.
        case removed
        /// The build had ended, and that was not to be touched.
        case ended
        case missing
    }

    /// How long a caller who cancels waits for the end of the build to be recorded.
    private static let cancelPatience = Duration.seconds(5)

    /// Cancels a build that runs, and forgets one that has ended.
    ///
    /// - Parameter onlyUnfinished: Whether one that has ended is left alone.
    /// - Throws: ``BuildError/suspended`` when the build is left for the next start.
    package func remove(_ id: BuildID, onlyUnfinished: Bool = false) async throws -> Removal {
        if let build = running(id) {
            // Whoever reads the stream knows the end before the build counts as ended.
            guard build.hasEnded || state.withLock({ $0.told.contains(id) }) else {
                build.cancel(.asked)
                return try await end(of: build)
            }
            guard !onlyUnfinished else { return .ended }
            // Something of it may still be on its way out.
            await build.left()
        }
        guard !onlyUnfinished else { return .ended }
        let files = try await store.files(of: id)
        guard try await store.remove(id) else { return .missing }
        let folder = store.folder.build(id)
        let leaving = state.withLock { $0.leaving[id] }
        await leaving?.left()
        await Task { [threads, pool] in
            try? await threads.runIfActive {
                _ = Workspace(path: folder, uid: nil).remove()
                for file in files where file.category == .artifact { pool.release(file.digest) }
            }
        }.value
        return .removed
    }

    private func end(of build: RunningBuild) async throws -> Removal {
        let waiting = Task { try await build.outcome(isBounded: false) }
        let alarm = Task {
            try await Task.sleep(for: Self.cancelPatience)
            waiting.cancel()
        }
        defer { alarm.cancel() }
        do {
            guard let outcome = try await waiting.value else { throw BuildError.suspended }
            return .cancelled(outcome)
        } catch is CancellationError {
            return .cancelling
        }
    }

    // MARK: - Stopping

    /// Takes no more requests and returns when no build runs and the last of them is recorded and gone.
    package func stop(_ manner: Stop) async {
        let running = state.withLock { state in
            state.stop = manner
            return Array(state.running.values)
        }
        // What was being taken in when the door closed becomes a build or is forgotten, in a moment.
        while state.withLock({ $0.running.values.contains { !$0.hasBegun } }) {
            try? await Task.sleep(for: .milliseconds(10))
        }
        if case .suspend(let limit) = manner, !running.isEmpty {
            logger.notice("waiting for running builds", metadata: ["builds": "\(running.count)", "limit": "\(limit)"])
            await Self.wait(for: running, atMost: limit)
        }
        let (left, leaving) = state.withLock { state in
            state.isSuspending = manner != .end
            return (Array(state.running.values), Array(state.leaving.values))
        }
        if manner != .end, !left.isEmpty {
            logger.notice("builds go on at the next start", metadata: ["builds": "\(left.count)"])
        }
        for build in left { build.cancel(.stopping) }
        for build in left + leaving { await build.left() }
    }

    private static func wait(for builds: [RunningBuild], atMost limit: Duration) async {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self)
        // Waiting for an outcome cannot be cancelled, so nobody waits for this task: it ends with the builds.
        Task {
            for build in builds { _ = try? await build.outcome(isBounded: false) }
            signal.finish()
        }
        let alarm = Task {
            try await Task.sleep(for: limit)
            signal.finish()
        }
        for await _ in signals {}
        alarm.cancel()
    }
}
