import Glibc
import KettleSandbox
import KettleSource
import KettleStore
import Logging
import NIOPosix
import SystemPackage

/// What a service does first: it puts in order what the last process left, however that ended.
extension BuildService {
    /// Removes what is nobody's, ends or begins again what was not finished, and tells what was not told.
    ///
    /// Builds that are begun again run when this returns.
    ///
    /// - Throws: ``StoreError`` when the store cannot be read or written.
    package func recover() async throws {
        let known = try await store.identifiers()
        try await removeUnrecordedBundles()
        try await threads.runIfActive { [store, pool] in
            try FolderListing.removeAll(in: store.folder.work) { _ in false }
            // Made by a process that died before it recorded the build: nobody was told of it.
            try FolderListing.removeAll(in: store.folder.builds) { name in BuildID(name).map(known.contains) ?? false }
            try pool.sweep()
        }
        // What is wrong with one build keeps no other from its end.
        for id in try await store.halfPruned() {
            do { try await removePruned(id) } catch { note(error, of: id, "the files of a build cannot be removed") }
        }
        for record in try await store.untold() { await tell(record) }
        for record in try await store.unfinished() {
            do {
                try await resume(record)
            } catch {
                note(error, of: record.id, "a build that the last process left cannot be begun again")
                try await giveUp(record)
            }
        }
    }

    private func note(_ error: any Error, of id: BuildID, _ message: Logger.Message) {
        logger.error(message, metadata: ["build_id": "\(id)", "error": "\(error)"])
    }

    /// Ends a build that cannot be begun again. Its last event is written where there is a log to write it to.
    private func giveUp(_ record: BuildRecord) async throws {
        let outcome = BuildOutcome(BuildFailure(BuildError.interrupted(attempts: record.attempts)), of: record.id)
        try await store.finish(
            record.id, state: .failed, buildSystem: nil, at: BuildTime.now.milliseconds, result: outcome.result,
            files: [])
        var ended = record
        (ended.state, ended.result) = (.failed, outcome.result)
        await tell(ended)
        logger.warning("ended a build that the last process left", metadata: ["build_id": "\(record.id)"])
    }

    /// Gives a build its last event if the last process ended between recording the build and saying so, and clears its folder.
    private func tell(_ record: BuildRecord) async {
        guard let result = record.result else { return }
        let folder = store.folder.build(record.id)
        // First, for it may be what makes the room that the event needs.
        await clear(folder, of: record.state)
        do {
            try await threads.runIfActive {
                let events = try EventLog(openingAt: folder.appending("events"), isWritable: true)
                guard try events.last().flatMap(BuildEvent.result(ofComplete:)) == nil else { return }
                try events.append([BuildEvent.complete(result: result)])
            }
            store.noteTold(record.id)
        } catch {
            note(error, of: record.id, "the last event of a build cannot be written")
        }
    }

    /// Begins a build of the last process again, if it can be and was not begun too often; ends it as failed if not.
    private func resume(_ record: BuildRecord) async throws {
        let id = record.id
        let folder = store.folder.build(id)
        let events = try await threads.runIfActive { [store] in
            try store.folder.make(folder)
            try FolderListing.removeAll(in: folder) { $0 == "events" || $0 == "source" }
            let path = folder.appending("events")
            return access(path.string, F_OK) == 0
                ? try EventLog(openingAt: path, isWritable: true) : try EventLog(creatingAt: path)
        }
        guard record.attempts < configuration.attemptLimit, let request = try await kept(record, in: folder) else {
            return try await giveUp(record)
        }
        // What waited was not interrupted, and is begun for the first time.
        let message =
            record.attempts == 0
            ? "The service was started again"
            : "The service ended while the build ran: beginning again (\(record.attempts + 1) of \(configuration.attemptLimit))"
        try await threads.runIfActive {
            try events.append([
                BuildEvent(
                    message, phase: .initialize, buildID: events.count == 0 ? id.hex : nil, time: .now
                ).encoded()
            ])
        }
        logger.notice("begins a build again", metadata: ["build_id": "\(id)", "attempts": "\(record.attempts)"])
        resume(request, RunningBuild(id: id, events: events, owner: request.owner))
    }

    private func kept(_ record: BuildRecord, in folder: FilePath) async throws -> BuildRequest? {
        guard let bytes = record.request else { return nil }
        var archive = try await store.keptSource(of: record.id).map(UploadedArchive.memory)
        let file = Self.keptArchive(in: folder)
        if archive == nil, access(file.string, R_OK) == 0 { archive = .file(file) }
        var request = BuildRequest(kept: bytes, archive: archive, urls: configuration.git.policy)
        request?.owner = record.owner
        request?.visibility = record.visibility
        return request
    }
}
