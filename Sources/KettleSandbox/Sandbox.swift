import Glibc
import KettleLauncher
import NIOPosix
import Synchronization
package import SystemPackage

/// Runs one command at a time confined by bubblewrap, and leaves no process behind.
///
/// The command runs as a user of its own in its own user, process, mount, IPC, host name and network namespaces; the files
/// it sees are those that the ``SandboxCommand`` names. Between Kettle and bubblewrap stands the launcher, the
/// program `kettle-confine`: see ``SandboxLauncher``.
package struct Sandbox: Sendable {
    private let confiner: FilePath
    private let bubblewrap: String
    private let groups: ControlGroups?
    private let disk: DiskImage?

    /// - Parameters:
    ///   - confiner: The absolute path of the program `kettle-confine`, which starts bubblewrap and, inside, the command.
    ///   - groups: Where commands get control groups. Without them they are watched and ended from outside.
    ///   - disk: What workspaces are made from. Without it they are folders, and watched.
    /// - Throws: ``SandboxError/bubblewrapMissing`` or ``SandboxError/confinerMissing``.
    package init(
        confiner: FilePath, groups: ControlGroups? = nil, disk: DiskImage? = nil
    ) throws(SandboxError) {
        guard confiner.isAbsolute, access(confiner.string, X_OK) == 0 else { throw .confinerMissing }
        let places = ["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap"]
        guard let bubblewrap = places.first(where: { access($0, X_OK) == 0 }) else { throw .bubblewrapMissing }
        self.confiner = confiner
        self.bubblewrap = bubblewrap
        self.groups = groups
        self.disk = disk
    }

    /// Whether the programs that confine commands are still there.
    package var isInstalled: Bool { access(confiner.string, X_OK) == 0 && access(bubblewrap, X_OK) == 0 }

    /// Names the folder that one build owns, with a user of its own when Kettle runs as root.
    ///
    /// - Parameter path: Where nothing is yet; its parent exists. ``Workspace/make()`` makes it.
    package func workspace(at path: FilePath) -> Workspace {
        Workspace(path: path, uid: geteuid() == 0 ? WorkspaceUsers.next() : nil, disk: disk)
    }

    /// Names a workspace and makes it.
    package func makeWorkspace(at path: FilePath) throws(SandboxError) -> Workspace {
        let workspace = workspace(at: path)
        try workspace.make()
        return workspace
    }

    /// Runs a command to its end.
    ///
    /// The command's standard input is empty. When `run` returns or throws, every process of the command is dead, whatever
    /// it forked and however it was ended. A command that fails is a result, not an error.
    ///
    /// - Parameters:
    ///   - workspace: Whose user the command runs as.
    ///   - output: Receives what the command prints as it prints it, in pieces of at most 64 KiB that are valid during the
    ///     call. Calls never overlap; while one waits the command is held back. An error that it throws ends the command
    ///     and is thrown on.
    /// - Throws: ``SandboxError/limitExceeded(limit:value:)`` when a limit ended it, `CancellationError` when the task was
    ///   cancelled, ``SandboxError/setupFailed(reason:)`` when it could not start.
    package func run(
        _ command: SandboxCommand, in workspace: Workspace,
        output: @escaping @Sendable (OutputStream, UnsafeRawBufferPointer) async throws -> Void
    ) async throws -> CommandEnd {
        try Task.checkCancellation()
        let group = try await makeGroup(command.limits)
        do {
            let end = try await run(command, in: workspace, group, output)
            await remove(group)
            return end
        } catch {
            await remove(group)
            throw error
        }
    }

    private func run(
        _ command: SandboxCommand, in workspace: Workspace, _ group: ControlGroup?,
        _ output: @escaping @Sendable (OutputStream, UnsafeRawBufferPointer) async throws -> Void
    ) async throws -> CommandEnd {
        let request = try LauncherRequest(
            command: command, workspace: workspace, bubblewrap: bubblewrap, confiner: confiner.string,
            group: group?.membership ?? .none)
        let run = try SandboxRun(
            request: request, limits: command.limits, egress: command.network.policy, group: group, output: output)
        // The supervising task is not cancelled with this one: it must see every process dead before it ends.
        return try await withTaskCancellationHandler {
            try await Task { try await run.supervise(launcher: confiner) }.value
        } onCancel: {
            run.stop(.cancelled)
        }
    }

    private func makeGroup(_ limits: SandboxLimits) async throws -> ControlGroup? {
        guard let groups else { return nil }
        return try await NIOThreadPool.singleton.runIfActive { try groups.make(limits) }
    }

    /// A task of its own: the one that asks may be cancelled, and the group must go all the same.
    private func remove(_ group: ControlGroup?) async {
        guard let group else { return }
        await Task { try? await NIOThreadPool.singleton.runIfActive { group.remove() } }.value
    }

    /// Tries whether this machine can confine a command at all, and throws what is missing if not.
    ///
    /// - Parameters:
    ///   - folder: Where a workspace may be made for the moment.
    ///   - count: How often it is tried, after the first time.
    /// - Returns: How long a command without network takes that does nothing, start and end included: the median.
    @discardableResult
    package func probe(in folder: FilePath, times count: Int = 0) async throws -> Duration {
        let workspace = workspace(at: folder.appending("probe-\(UInt64.random(in: 0 ... .max))"))
        try await NIOThreadPool.singleton.runIfActive { try workspace.make() }
        defer { workspace.remove() }
        try await probe(.egress(EgressPolicy([])), in: workspace)
        var times: [Duration] = []
        for _ in 0...count {
            let start = ContinuousClock.now
            try await probe(.none, in: workspace)
            times.append(start.duration(to: .now))
        }
        return times.sorted()[times.count / 2]
    }

    private func probe(_ network: SandboxNetwork, in workspace: Workspace) async throws {
        let command = SandboxCommand(
            arguments: ["/usr/bin/true"], environment: [:], workingDirectory: "/", network: network,
            limits: SandboxLimits(wallClock: .seconds(30), outputBytes: 4096))
        let end = try await run(command, in: workspace) { _, _ in }
        guard end.succeeded else {
            throw SandboxError.setupFailed(reason: "a command that does nothing ended with status \(end.status)")
        }
    }
}

/// The users that workspaces get, each its own as long as there are fewer than 60,000 at one time.
///
/// They need no entry in `/etc/passwd`; nobody else should be given numbers from this range.
private enum WorkspaceUsers {
    private static let first: UInt32 = 300_000
    private static let count: UInt32 = 60_000

    // A second server on the machine starts somewhere else, so that their builds do not share users either.
    private static let counter = Atomic<UInt32>(UInt32.random(in: 0..<count))

    static func next() -> UInt32 {
        first + counter.wrappingAdd(1, ordering: .relaxed).oldValue % count
    }
}
