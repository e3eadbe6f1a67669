import Glibc
import KettleError
import KettleProvenance
package import KettleSandbox
package import KettleStore
package import Logging
package import NIOPosix
import Synchronization
import SystemPackage

/// The builds of one service: it takes requests in, runs them, and knows which are running.
///
/// A build belongs to the service and not to the connection that asked for it. Shared between all requests; what they
/// share is the table of running builds.
package final class BuildService: Sendable {
    package let store: BuildStore
    package let configuration: BuildConfiguration
    /// For work that blocks, so that neither an event loop nor the cooperative pool does.
    package let threads: NIOThreadPool
    private let logger: Logger
    private let slots: BuildSlots
    private let state = Mutex(State())

    private struct State {
        var running: [BuildID: RunningBuild] = [:]
        /// Builds that have ended and whose workspaces are being removed.
        var leaving: [BuildID: RunningBuild] = [:]
        var isStopping = false
    }

    package init(store: BuildStore, configuration: BuildConfiguration, threads: NIOThreadPool, logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.threads = threads
        self.logger = logger
        slots = BuildSlots(count: configuration.slots)
    }

    /// A request on its way in: the id that its build will have, and where its upload goes if it is large.
    package struct Intake: Sendable {
        package let id: BuildID
        /// Named, not made: whoever writes there first makes it.
        package let workspace: Workspace
    }

    /// Makes room for a request. It ends in ``start(_:from:)`` or in ``abandon(_:)``.
    ///
    /// - Throws: ``BuildError/serviceStopping``.
    package func openIntake() throws(BuildError) -> Intake {
        guard !state.withLock({ $0.isStopping }) else { throw .serviceStopping }
        let id = BuildID()
        return Intake(id: id, workspace: configuration.sandbox.workspace(at: store.folder.workspace(id)))
    }

    /// Forgets a request that did not become a build, and what had arrived of it.
    package func abandon(_ intake: Intake) async {
        await remove(intake.workspace)
    }

    /// Begins the build; from here on it runs to its end whoever listens.
    package func start(_ request: BuildRequest, from intake: Intake) async throws -> RunningBuild {
        let id = intake.id
        let startedAt = BuildTime.now
        let folder = store.folder.build(id)
        let folders = store.folder
        let events: EventLog
        do {
            events = try await threads.runIfActive {
                try folders.make(folder)
                let events = try EventLog(creatingAt: folder.appending("events"))
                try events.append([
                    BuildEvent("Initializing build environment", phase: .initialize, buildID: id.hex).encoded()
                ])
                return events
            }
        } catch {
            await abandon(intake)
            throw error
        }
        let pipeline = BuildPipeline(
            id: id, request: request, configuration: configuration, workspace: intake.workspace, folder: folder,
            events: events, slots: slots, threads: threads, startedAt: startedAt)
        let build = RunningBuild(id: id, events: events) {
            try await pipeline.run()
        } finish: {
            await self.finish(pipeline, $0)
        }
        // Known as running before anybody can find it in the list: its log must never be taken for one that has ended.
        let mustStop = state.withLock { state in
            state.running[id] = build
            return state.isStopping
        }
        do {
            try await store.insert(
                BuildRecord(id: id, source: request.sourceName, ref: request.ref, createdAt: startedAt.milliseconds))
        } catch {
            state.withLock { _ = $0.running.removeValue(forKey: id) }
            await remove(Workspace(path: folder, uid: nil))
            await abandon(intake)
            throw error
        }
        build.begin()
        if mustStop { build.cancel() }
        return build
    }

    /// Brings a build to its recorded end, whatever happened in it.
    private func finish(
        _ pipeline: BuildPipeline, _ ended: Result<SealedBuild, any Error>
    ) async -> BuildOutcome {
        let id = pipeline.id
        var outcome: BuildOutcome
        var files: [RecordedFile] = []
        var buildSystem: String?
        do {
            let sealed = try ended.get()
            files = sealed.files
            buildSystem = sealed.buildSystem
            outcome = BuildOutcome(state: .success, httpStatus: 200, result: BuildResult(sealed, of: id).encoded)
        } catch {
            let failure = describe(error, of: id)
            outcome = BuildOutcome(
                state: .failed, httpStatus: failure.httpStatus, result: BuildResult(failure, of: id).encoded)
            files = await recordLogOfFailure(pipeline)
            // What was collected before something else failed is nobody's.
            await remove(Workspace(path: pipeline.folder.appending("artifacts"), uid: nil))
        }
        do {
            try await store.finish(
                id, state: outcome.state, buildSystem: buildSystem, at: BuildTime.now.milliseconds,
                result: outcome.result, files: files)
            try pipeline.events.append([BuildEvent.complete(result: outcome.result)])
        } catch {
            let failure = describe(error, of: id)
            outcome = BuildOutcome(
                state: .failed, httpStatus: failure.httpStatus, result: BuildResult(failure, of: id).encoded)
            try? pipeline.events.append([BuildEvent.complete(result: outcome.result)])
        }
        pipeline.events.end()
        state.withLock { state in state.leaving[id] = state.running.removeValue(forKey: id) }
        await remove(pipeline.workspace)
        state.withLock { _ = $0.leaving.removeValue(forKey: id) }
        return outcome
    }

    /// The log of a failed build is what its owner needs most.
    private func recordLogOfFailure(_ pipeline: BuildPipeline) async -> [RecordedFile] {
        guard let log = try? await threads.runIfActive({ try pipeline.recordLog() }) else { return [] }
        return [log]
    }

    private func describe(_ error: any Error, of id: BuildID) -> BuildFailure {
        let isStopping = state.withLock { $0.isStopping }
        let failure = BuildFailure(error is CancellationError && isStopping ? BuildError.serviceStopping : error)
        if failure.kind == .internal {
            logger.error("build failed", metadata: ["build": "\(id)", "error": "\(error)"])
        }
        return failure
    }

    /// A task of its own: the one that asks may be cancelled, and what it leaves must go all the same.
    private func remove(_ workspace: Workspace) async {
        await Task { [threads] in try? await threads.runIfActive { _ = workspace.remove() } }.value
    }
}

extension BuildService {
    /// Follows the events of a build, running or ended; nil when there is no such build.
    ///
    /// - Parameter last: The number of the last event that the reader has, 0 for none.
    package func reader(of id: BuildID, after last: Int) async throws -> EventLog.Reader? {
        if let build = state.withLock({ $0.running[id] }) {
            return try await build.events.reader(after: last, on: threads)
        }
        guard try await store.record(id) != nil else { return nil }
        let path = store.folder.build(id).appending("events")
        let events = try await threads.runIfActive { try EventLog(openingAt: path, isWritable: false) }
        return try await events.reader(after: last, on: threads)
    }

    /// Whether that build is running now.
    package func isRunning(_ id: BuildID) -> Bool {
        state.withLock { $0.running[id] != nil }
    }

    /// Lets the readers of quiet builds show a sign of life.
    package func wakeIdleReaders() {
        for build in state.withLock({ Array($0.running.values) }) { build.events.wakeIdleReaders() }
    }

    /// Ends what the last process left unfinished, and empties the folder of running builds.
    package func recover() async throws {
        let leftovers = try await threads.runIfActive { [self] in
            try FolderListing.names(in: store.folder.work)
        }
        for name in leftovers {
            let path = store.folder.work.appending(FilePath.Component(name) ?? "unnamed")
            try await threads.runIfActive { _ = Workspace(path: path, uid: nil).remove() }
        }
        for record in try await store.unfinished() { try await end(record) }
        for record in try await store.lastFinished() { await completeEvents(of: record) }
    }

    /// Gives a build its last event if the last process ended between recording the build and saying so.
    private func completeEvents(of record: BuildRecord) async {
        guard let result = record.result else { return }
        let path = store.folder.build(record.id).appending("events")
        try? await threads.runIfActive {
            let events = try EventLog(openingAt: path, isWritable: true)
            guard try events.last().flatMap(BuildEvent.result(ofComplete:)) == nil else { return }
            try events.append([BuildEvent.complete(result: result)])
        }
    }

    /// Ends a build of the last process: as its log says, or else as interrupted.
    private func end(_ record: BuildRecord) async throws {
        let path = store.folder.build(record.id).appending("events")
        let interrupted = BuildResult(BuildFailure(BuildError.interrupted), of: record.id).encoded
        let result = try? await threads.runIfActive {
            let events =
                access(path.string, F_OK) == 0
                ? try EventLog(openingAt: path, isWritable: true) : try EventLog(creatingAt: path)
            if let last = try events.last(), let result = BuildEvent.result(ofComplete: last) { return result }
            try events.append([BuildEvent.complete(result: interrupted)])
            return interrupted
        }
        // A build that was not recorded has nothing to show for itself, whatever its last event says.
        try await store.finish(
            record.id, state: .failed, buildSystem: nil, at: BuildTime.now.milliseconds, result: result ?? interrupted,
            files: [])
        logger.warning("ended a build that the last process left", metadata: ["build": "\(record.id)"])
    }

    /// Takes no more requests, ends the running builds as failed and returns when the last of them is recorded and gone.
    package func stop() async {
        let (running, leaving) = state.withLock { state in
            state.isStopping = true
            return (Array(state.running.values), Array(state.leaving.values))
        }
        for build in running { build.cancel() }
        for build in running + leaving { _ = await build.outcome() }
    }
}
