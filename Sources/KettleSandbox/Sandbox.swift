import Glibc
import Synchronization
package import SystemPackage

/// Runs one command at a time confined by bubblewrap, and leaves no process behind.
///
/// The command runs as a user of its own in its own user, process, mount, IPC, host name and network namespaces; the files
/// it sees are those that the ``SandboxCommand`` names. Between Kettle and bubblewrap stands the launcher, this same
/// program started with a hidden argument: see ``SandboxLauncher``.
package struct Sandbox: Sendable {
    private let launcher: FilePath
    private let bubblewrap: String

    /// - Parameter launcher: The absolute path of the `kettle` binary.
    /// - Throws: ``SandboxError/bubblewrapMissing`` or ``SandboxError/launcherMissing``.
    package init(launcher: FilePath) throws(SandboxError) {
        guard launcher.isAbsolute, access(launcher.string, X_OK) == 0 else { throw .launcherMissing }
        let places = ["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap"]
        guard let bubblewrap = places.first(where: { access($0, X_OK) == 0 }) else { throw .bubblewrapMissing }
        self.launcher = launcher
        self.bubblewrap = bubblewrap
    }

    /// Names the folder that one build owns, with a user of its own when Kettle runs as root.
    ///
    /// - Parameter path: Where nothing is yet; its parent exists. ``Workspace/make()`` makes it.
    package func workspace(at path: FilePath) -> Workspace {
        Workspace(path: path, uid: geteuid() == 0 ? WorkspaceUsers.next() : nil)
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
        let request = try LauncherRequest(command: command, workspace: workspace, bubblewrap: bubblewrap)
        let run = try SandboxRun(
            request: request, limits: command.limits, egress: command.network.policy, output: output)
        // The supervising task is not cancelled with this one: it must see every process dead before it ends.
        return try await withTaskCancellationHandler {
            try await Task { try await run.supervise(launcher: launcher) }.value
        } onCancel: {
            run.stop(.cancelled)
        }
    }

    /// Tries whether this machine can confine a command at all, and throws what is missing if not.
    ///
    /// - Parameter folder: Where a workspace may be made for the moment.
    package func probe(in folder: FilePath) async throws {
        let workspace = try makeWorkspace(at: folder.appending("probe-\(getpid())"))
        defer { workspace.remove() }
        for network in [SandboxNetwork.none, .egress(EgressPolicy([]))] {
            let command = SandboxCommand(
                arguments: ["/usr/bin/true"], environment: [:], workingDirectory: "/", network: network,
                limits: SandboxLimits(wallClock: .seconds(30), outputBytes: 4096))
            let end = try await run(command, in: workspace) { _, _ in }
            guard end.succeeded else {
                throw SandboxError.setupFailed(reason: "a command that does nothing ended with status \(end.status)")
            }
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

/// The system's words for the error that a call on this thread has just reported.
func lastSystemError() -> String {
    String(cString: strerror(errno))
}
