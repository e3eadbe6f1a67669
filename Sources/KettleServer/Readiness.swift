import Glibc
package import KettleBuild
import KettleError
import KettleSandbox
import KettleStore
import NIOPosix
import SystemPackage

/// Whether the service can build: what `GET /ready` answers.
///
/// A list of checks; all of them are made each time, at most once a second however many ask.
///
/// An actor because requests share the look that is under way.
package actor Readiness {
    /// One thing that a build needs.
    package struct Check: Sendable {
        /// What speaks against it: a code that programs branch on, and a sentence. Neither holds a host path.
        package typealias Failure = (code: String, message: String)

        /// As the answer's `checks` names it.
        var name: String
        /// What a look says that this check has not answered in time.
        var overdue: Failure
        var failure: @Sendable () async -> Failure?

        package init(
            _ name: String,
            overdue: Failure = ("service.check_overdue", "a check of the service does not answer"),
            failure: @escaping @Sendable () async -> Failure?
        ) {
            self.name = name
            self.overdue = overdue
            self.failure = failure
        }
    }

    /// What one look found, in the order of the checks.
    package struct Finding: Sendable {
        package var name: String
        package var failure: Check.Failure?
    }

    /// For how long what was found is repeated.
    private static let validity = Duration.seconds(1)

    private let checks: [Check]
    /// How long one look may take.
    private let patience: Duration
    /// The last look, which may be under way: then `lookedAt` is nil.
    private var look: Task<[Finding], Never>?
    private var lookedAt: ContinuousClock.Instant?
    /// Checks under way, also of a look that has not waited for them: none is begun twice.
    private var running: Set<String> = []
    private var failures: [String: Check.Failure] = [:]
    private var waiting: CheckedContinuation<Void, Never>?

    package init(_ checks: [Check], patience: Duration = .seconds(2)) {
        self.checks = checks
        self.patience = patience
    }

    package func findings() async -> [Finding] {
        if let look, lookedAt.map({ ContinuousClock.now - $0 < Self.validity }) ?? true { return await look.value }
        lookedAt = nil
        let look = Task {
            let findings = await makeChecks()
            lookedAt = .now
            return findings
        }
        self.look = look
        return await look.value
    }

    private func makeChecks() async -> [Finding] {
        for check in checks where running.insert(check.name).inserted {
            Task { end(check, await check.failure()) }
        }
        let deadline = Task {
            try await Task.sleep(for: patience)
            if !Task.isCancelled { stopWaiting() }
        }
        await withCheckedContinuation { waiting = $0 }
        deadline.cancel()
        return checks.map {
            Finding(name: $0.name, failure: running.contains($0.name) ? $0.overdue : failures[$0.name])
        }
    }

    private func end(_ check: Check, _ failure: Check.Failure?) {
        failures[check.name] = failure
        running.remove(check.name)
        if running.isEmpty { stopWaiting() }
    }

    private func stopWaiting() {
        waiting?.resume()
        waiting = nil
    }
}

extension Readiness.Check {
    /// What every service is asked.
    package static func standard(for builds: BuildService) -> [Readiness.Check] {
        [accepting(builds), store(builds), disk(builds), sandbox(builds)]
    }

    /// It has not been told to stop, and its queue has room.
    static func accepting(_ builds: BuildService) -> Readiness.Check {
        Readiness.Check("accepting") {
            builds.obstacle.map { ($0.code, $0.message) }
        }
    }

    /// The database takes writes, and so does the folder.
    static func store(_ builds: BuildService) -> Readiness.Check {
        Readiness.Check("store", overdue: (StoreError.databaseBusy.code, StoreError.databaseBusy.message)) {
            do {
                try await builds.store.checkWritable()
                try await builds.threads.runIfActive { try tryWriting(in: builds.store.folder.work) }
                return nil
            } catch is CancellationError {
                return (StoreError.databaseBusy.code, StoreError.databaseBusy.message)
            } catch StoreError.databaseBusy {
                return (StoreError.databaseBusy.code, StoreError.databaseBusy.message)
            } catch {
                let error = error as? StoreError ?? .writeFailed(what: "the data folder", reason: "\(error)")
                return (error.code, error.messageForCallers)
            }
        }
    }

    /// Writes a block to a new file, and removes it.
    private static func tryWriting(in folder: FilePath) throws(StoreError) {
        let path = folder.appending("ready-\(UInt64.random(in: .min ... .max))").string
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        var fault = file < 0 ? errno : 0
        if file >= 0 {
            let block = [UInt8](repeating: 0, count: 4096)
            if write(file, block, block.count) != block.count { fault = errno == 0 ? ENOSPC : errno }
            // Whatever went wrong: a file and a descriptor for each probe would add up.
            if close(file) != 0 { fault = errno }
            if unlink(path) != 0 { fault = errno }
        }
        guard fault == 0 else {
            throw .writeFailed(what: "the data folder", reason: String(cString: strerror(fault)))
        }
    }

    /// There is room for a source and what is built of it.
    static func disk(_ builds: BuildService) -> Readiness.Check {
        Readiness.Check("disk") {
            let hasRoom = try? await builds.threads.runIfActive { builds.hasRoomOnDisk }
            guard hasRoom == true else { return (BuildError.diskLow.code, BuildError.diskLow.message) }
            return nil
        }
    }

    /// The sandbox was tried when the service started; its programs are still there.
    static func sandbox(_ builds: BuildService) -> Readiness.Check {
        Readiness.Check("sandbox") {
            let isThere = try? await builds.threads.runIfActive { builds.configuration.sandbox.isInstalled }
            return isThere == true
                ? nil : ("sandbox.missing", "the programs that confine builds are no longer there")
        }
    }
}
