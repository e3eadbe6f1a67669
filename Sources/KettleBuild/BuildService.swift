import Glibc
package import KettleError
import KettleProvenance
package import KettleSandbox
import KettleSource
package import KettleStore
package import KettleToolchains
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
    package let metrics: BuildMetrics
    let logger: Logger
    private let slots: BuildSlots
    private let sourceSlots: BuildSlots
    private let sourceSlotCount: Int
    let pool: ArtifactPool
    let packing = BundlePacking()
    let state = Mutex(State())

    /// What the service does when it is told to stop.
    package enum Stop: Sendable, Hashable {
        /// Running builds end as failed.
        case end
        /// Running builds go on for so long; what has not ended then goes on at the next start.
        case suspend(after: Duration)
    }

    struct State {
        var running: [BuildID: RunningBuild] = [:]
        /// Builds that have ended and whose workspaces are being removed.
        var leaving: [BuildID: RunningBuild] = [:]
        /// Builds whose last event is written and whose folders are not cleared yet.
        var told: Set<BuildID> = []
        /// Requests on their way in, by owner.
        var intakes: [String?: Int] = [:]
        var stop: Stop?
        /// Whether the drain is over: what is cancelled now is for the next start.
        var isSuspending = false
    }

    package init(store: BuildStore, configuration: BuildConfiguration, threads: NIOThreadPool, logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.threads = threads
        self.logger = logger
        slots = BuildSlots(count: configuration.slots)
        sourceSlotCount = max(8, configuration.slots * 4)
        sourceSlots = BuildSlots(count: sourceSlotCount)
        pool = ArtifactPool(store.folder)
        metrics = BuildMetrics(slots: configuration.slots)
    }

    // MARK: - Taking in

    /// A request on its way in: the id that its build will have, and where its upload goes if it is large.
    package struct Intake: Sendable {
        package let id: BuildID
        /// On whose account the build will be.
        package let owner: String?
        /// Named, not made: whoever writes there first makes it.
        package let workspace: Workspace
    }

    /// Makes room for a request. It ends in ``start(_:from:)`` or in ``abandon(_:)``.
    ///
    /// - Throws: ``BuildError/serviceStopping``, ``BuildError/queueFull(isOwn:)`` or ``BuildError/diskLow``.
    package func openIntake(for owner: String? = nil) throws(BuildError) -> Intake {
        guard hasRoomOnDisk else { throw .diskLow }
        let refusal = state.withLock { state -> BuildError? in
            guard state.stop == nil else { return .serviceStopping }
            let room = configuration.slots + configuration.queueLimit
            let taken = state.running.count + state.intakes.values.reduce(0, +)
            guard taken < room else { return .queueFull(isOwn: false) }
            if let owner {
                let own = state.running.values.count { $0.owner == owner } + state.intakes[owner, default: 0]
                guard own < max(1, room / 2) else { return .queueFull(isOwn: true) }
            }
            state.intakes[owner, default: 0] += 1
            return nil
        }
        if let refusal { throw refusal }
        let id = BuildID()
        return Intake(id: id, owner: owner, workspace: configuration.sandbox.workspace(at: store.folder.workspace(id)))
    }

    private func close(_ intake: Intake) {
        state.withLock { Self.close(intake, in: &$0) }
    }

    private static func close(_ intake: Intake, in state: inout State) {
        let left = state.intakes[intake.owner, default: 1] - 1
        state.intakes[intake.owner] = left > 0 ? left : nil
    }

    /// Forgets a request that did not become a build, and what had arrived of it.
    package func abandon(_ intake: Intake) async {
        close(intake)
        await remove(intake.workspace)
    }

    /// Sees that the toolchain that a request names is one.
    ///
    /// - Throws: ``ToolchainError/unknownToolchain(name:supported:)``.
    package func checkToolchain(of request: BuildRequest) throws(ToolchainError) {
        if let name = request.toolchain { try Detection.check(name, among: configuration.toolchains) }
    }

    /// The build that the same caller asked for with the same key; nil when there is none, or no key.
    ///
    /// - Throws: ``BuildError/keyReused``.
    package func earlier(_ request: BuildRequest) async throws -> BuildRecord? {
        guard let key = request.idempotencyKey,
            let record = try await store.record(idempotency: key.digest(for: request.owner))
        else { return nil }
        guard record.idempotency?.fingerprint == request.fingerprint else { throw BuildError.keyReused }
        return record
    }

    package enum Started: Sendable {
        case build(RunningBuild)
        /// The build that the same request began before.
        case before(BuildRecord)
    }

    /// Begins the build; from here on it runs to its end whoever listens, and whatever happens to this process.
    ///
    /// - Throws: ``BuildError/keyReused``, and ``StoreError`` when the disk or the database does not take it. Then nothing is left.
    package func start(_ request: BuildRequest, from intake: Intake) async throws -> Started {
        // A task of its own: who asks may be cancelled, and must not leave half a build.
        try await Task { try await take(request, from: intake) }.value
    }

    private func take(_ request: BuildRequest, from intake: Intake) async throws -> Started {
        let id = intake.id
        var isCounted = true
        defer { if isCounted { close(intake) } }
        let startedAt = BuildTime.now
        var record = BuildRecord(
            id: id, source: request.sourceName, ref: request.ref, createdAt: startedAt.milliseconds,
            owner: request.owner, visibility: request.visibility)
        record.request = request.kept
        record.idempotency = request.idempotencyKey.map {
            BuildRecord.Idempotency(key: $0.digest(for: request.owner), fingerprint: request.fingerprint)
        }
        let folder = store.folder.build(id)
        let running: RunningBuild
        var request = request
        do {
            let (events, source) = try await threads.runIfActive { [store, request] in
                try Self.makeFolder(folder, in: store.folder, for: request, id)
            }
            request.source = source
            running = RunningBuild(id: id, events: events, owner: request.owner)
            // Known as running before anybody can find it in the list: its log must never be taken for one that has ended.
            state.withLock { state in
                state.running[id] = running
                Self.close(intake, in: &state)
            }
            isCounted = false
            var archive: [UInt8]?
            if case .archive(.memory(let bytes), _, _, _) = source { archive = bytes }
            let insertion = try await store.insert(record, keeping: archive)
            if case .duplicate(let earlier) = insertion {
                await forget(id, folder, intake)
                guard earlier.idempotency?.fingerprint == request.fingerprint else { throw BuildError.keyReused }
                return .before(earlier)
            }
        } catch {
            if !(error is BuildError) { metrics.storeFailed() }
            await forget(id, folder, intake)
            throw error
        }
        begin(running, request, intake.workspace, startedAt)
        return .build(running)
    }

    private func forget(_ id: BuildID, _ folder: FilePath, _ intake: Intake) async {
        state.withLock { _ = $0.running.removeValue(forKey: id) }
        await remove(Workspace(path: folder, uid: nil))
        await remove(intake.workspace)
    }

    /// Where a large upload lies until its build has ended.
    static func keptArchive(in folder: FilePath) -> FilePath { folder.appending("source") }

    /// Makes what a build keeps from its first moment: its folder, its events and its source.
    private static func makeFolder(
        _ folder: FilePath, in data: DataFolder, for request: BuildRequest, _ id: BuildID
    ) throws -> (EventLog, BuildRequest.Source) {
        try data.make(folder)
        var source = request.source
        if case .archive(.file(let upload), let name, let digest, let size) = source, request.isKept {
            let kept = keptArchive(in: folder)
            guard rename(upload.string, kept.string) == 0 else {
                throw StoreError.writeFailed(what: "the upload", reason: String(cString: strerror(errno)))
            }
            source = .archive(.file(kept), name: name, digest: digest, size: size)
        }
        let events = try EventLog(creatingAt: folder.appending("events"))
        try events.append([
            BuildEvent("Initializing build environment", phase: .initialize, buildID: id.hex, time: .now).encoded()
        ])
        return (events, source)
    }

    // MARK: - Running

    /// Begins a build of the last process again.
    func resume(_ request: BuildRequest, _ running: RunningBuild) {
        state.withLock { $0.running[running.id] = running }
        begin(
            running, request, configuration.sandbox.workspace(at: store.folder.workspace(running.id)), .now)
    }

    private func begin(
        _ running: RunningBuild, _ request: BuildRequest, _ workspace: Workspace, _ startedAt: BuildTime
    ) {
        let pipeline = BuildPipeline(
            running: running, request: request, configuration: configuration, workspace: workspace,
            folder: store.folder.build(running.id), slots: slots, sourceSlots: sourceSlots,
            sourceSlotCount: sourceSlotCount, store: store, usage: UsageStore(of: store), threads: threads,
            startedAt: startedAt, metrics: metrics,
            trace: BuildTrace(of: running.id))
        metrics.started(running.id)
        logger.info("build started", metadata: ["build_id": "\(running.id)"])
        running.begin {
            try await pipeline.trace.build { try await pipeline.run() }
        } record: {
            await self.record(pipeline, $0)
        } leave: {
            await self.leave(pipeline)
        }
        if state.withLock({ $0.isSuspending || $0.stop == .end }) { running.cancel(.stopping) }
    }

    /// What there is to record of a build that has ended.
    private struct Ending: Sendable {
        var outcome: BuildOutcome
        /// Nil for success.
        var failure: BuildFailure?
        var buildSystem: String?
        var files: [RecordedFile]
    }

    /// Brings a build to its recorded end, whatever happened in it.
    ///
    /// - Returns: nil when the build is left for the next start.
    private func record(_ pipeline: BuildPipeline, _ ended: Result<SealedBuild, any Error>) async -> BuildOutcome? {
        let id = pipeline.id
        guard let ending = await ending(of: pipeline, ended) else {
            pipeline.events.end(isWhole: false)
            return nil
        }
        let isRecorded = await persist(id) { [store] in
            try await store.finish(
                id, state: ending.outcome.state, buildSystem: ending.buildSystem, at: BuildTime.now.milliseconds,
                result: ending.outcome.result, files: ending.files)
        }
        guard isRecorded || configuration.recordingPatience == .zero else {
            pipeline.events.end(isWhole: false)
            return nil
        }
        // Before the build counts as ended, so that whoever removes it then finds nothing in the way.
        if isRecorded { await clear(pipeline.folder, of: ending.outcome.state) }
        let outcome = isRecorded ? ending.outcome : BuildOutcome(BuildFailure(BuildError.unexpected), of: id)
        let isTold = await persist(id) { try pipeline.events.append([BuildEvent.complete(result: outcome.result)]) }
        if isTold, isRecorded { state.withLock { _ = $0.told.insert(id) } }
        pipeline.events.end(isWhole: isTold)
        if outcome.state == .success { await share(ending.files, of: pipeline) }
        tellEnd(of: pipeline, ending.failure, ending.files)
        return outcome
    }

    private func ending(of pipeline: BuildPipeline, _ ended: Result<SealedBuild, any Error>) async -> Ending? {
        let id = pipeline.id
        do {
            let sealed = try ended.get()
            return Ending(
                outcome: BuildOutcome(state: .success, httpStatus: 200, result: BuildResult(sealed, of: id).encoded),
                buildSystem: sealed.buildSystem, files: sealed.files)
        } catch {
            let cancellation = error is CancellationError ? pipeline.running.cancellation ?? .stopping : nil
            if cancellation == .stopping, state.withLock({ $0.isSuspending }), pipeline.request.isKept {
                if pipeline.running.isCounted { try? await store.forgetAttempt(of: id) }
                return nil
            }
            let failure =
                switch cancellation {
                case .asked: BuildFailure(BuildError.cancelled)
                case .stopping: BuildFailure(BuildError.serviceStopping)
                case nil: describe(error, of: id)
                }
            return Ending(
                outcome: BuildOutcome(failure, of: id), failure: failure, files: await recordLogOfFailure(pipeline))
        }
    }

    /// Once the build is recorded: an artifact that nobody has is in the pool for nothing.
    private func share(_ files: [RecordedFile], of pipeline: BuildPipeline) async {
        try? await threads.runIfActive { [pool] in
            for file in files where file.category == .artifact {
                pool.share(
                    pipeline.folder.appending(FilePath(file.location).components), file.digest, size: file.size)
            }
        }
    }

    /// Writes what must be written, however long the disk refuses it: a build that ran for hours is not lost to a disk that was
    /// full for a minute.
    ///
    /// - Returns: Whether it is written. If not, the next start of the service finds what is missing.
    private func persist(_ id: BuildID, _ write: @Sendable () async throws -> Void) async -> Bool {
        let deadline = ContinuousClock.now + configuration.recordingPatience
        var pause = Duration.milliseconds(100)
        while true {
            do {
                try await write()
                return true
            } catch {
                metrics.storeFailed()
                logger.error(
                    "the end of a build cannot be recorded", metadata: ["build_id": "\(id)", "error": "\(error)"])
                guard ContinuousClock.now < deadline, !state.withLock({ $0.isSuspending || $0.stop == .end }) else {
                    return false
                }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(2))
            }
        }
    }

    /// Clears away when nothing of the build runs any more.
    private func leave(_ pipeline: BuildPipeline) async {
        let id = pipeline.id
        state.withLock { state in state.leaving[id] = state.running.removeValue(forKey: id) }
        await remove(pipeline.workspace)
        // Again: of a build that was cancelled something may still have been collecting. Told is what is cleared; a process that dies
        // before that leaves it to the next start, which looks at builds that are not told.
        if let record = try? await store.record(id), record.state != .running {
            await clear(pipeline.folder, of: record.state)
            if state.withLock({ $0.told.remove(id) }) != nil { store.noteTold(id) }
        }
        state.withLock { state in
            state.told.remove(id)
            state.leaving[id] = nil
        }
    }

    /// Removes what a build that has ended does not need: its source, and of a failed one what was collected before it failed.
    func clear(_ folder: FilePath, of state: BuildRecord.State) async {
        await Task { [threads] in
            try? await threads.runIfActive {
                unlink(Self.keptArchive(in: folder).string)
                if state == .failed { _ = Workspace(path: folder.appending("artifacts"), uid: nil).remove() }
            }
        }.value
    }

    /// Says in metrics and log how a build ended.
    private func tellEnd(of pipeline: BuildPipeline, _ failure: BuildFailure?, _ files: [RecordedFile]) {
        let duration = Duration.milliseconds(BuildTime.now.milliseconds - pipeline.startedAt.milliseconds)
        let artifacts = files.filter { $0.category == .artifact }
        metrics.ended(
            pipeline.id, failure: failure, duration: duration, events: pipeline.events.count,
            artifactBytes: failure == nil ? artifacts.reduce(0) { $0 + $1.size } : 0)
        logger.info(
            "build ended",
            metadata: [
                "build_id": "\(pipeline.id)", "outcome": "\(failure?.kind.rawValue ?? "success")",
                "code": failure.map { "\($0.code)" } ?? "ok", "seconds": .stringConvertible(duration / .seconds(1)),
            ])
    }

    /// The log of a failed build is what its owner needs most.
    private func recordLogOfFailure(_ pipeline: BuildPipeline) async -> [RecordedFile] {
        guard let log = try? await threads.runIfActive({ try pipeline.recordLog() }) else { return [] }
        return [log]
    }

    private func describe(_ error: any Error, of id: BuildID) -> BuildFailure {
        let failure = BuildFailure(error)
        if failure.kind == .internal {
            logger.error("build failed", metadata: ["build_id": "\(id)", "error": "\(error)"])
        }
        return failure
    }

    /// A task of its own: the one that asks may be cancelled, and what it leaves must go all the same.
    private func remove(_ workspace: Workspace) async {
        await Task { [threads] in try? await threads.runIfActive { _ = workspace.remove() } }.value
    }
}

extension BuildService {
    // MARK: - Looking

    /// Follows the events of a build, running or ended; nil when there is no such build.
    ///
    /// - Parameter last: The number of the last event that the reader has, 0 for none.
    package func reader(of id: BuildID, after last: Int) async throws -> EventLog.Reader? {
        if let build = running(id) {
            return try await build.events.reader(after: last, on: threads)
        }
        guard let record = try await store.record(id) else { return nil }
        guard !record.isPruned else { throw StoreError.buildGone }
        let path = store.folder.build(id).appending("events")
        let events = try await threads.runIfActive { try EventLog(openingAt: path, isWritable: false) }
        if record.state == .running { events.end(isWhole: false) }
        return try await events.reader(after: last, on: threads)
    }

    /// Waits for the end of a build that somebody else began; nil when the service stops before it.
    package func outcome(of record: BuildRecord) async throws -> BuildOutcome? {
        if let build = running(record.id) { return try await build.outcome() }
        return try await store.record(record.id).flatMap { BuildOutcome($0) }
    }

    /// The build of that id if it runs now.
    package func running(_ id: BuildID) -> RunningBuild? {
        state.withLock { $0.running[id] }
    }

    /// Lets the readers of quiet builds show a sign of life.
    package func wakeIdleReaders() {
        for build in state.withLock({ Array($0.running.values) }) { build.events.wakeIdleReaders() }
    }

    /// Whether it takes no more requests.
    package var isStopping: Bool { state.withLock { $0.stop != nil } }

    /// Why the service would not take a build now, but for the room on its disk; nil when it would.
    package var obstacle: (any UserFacingError)? {
        state.withLock { state in
            if state.stop != nil { return BuildError.serviceStopping }
            return state.running.count >= configuration.slots + configuration.queueLimit
                ? BuildError.queueFull(isOwn: false) : nil
        }
    }

    /// Whether the disk of the data folder has the room that the operator wants to keep.
    package var hasRoomOnDisk: Bool { configuration.hasRoom(store.folder.root) }
}
