import Glibc
import KettleLauncher
import KettleSandbox
import KettleTesting
import Synchronization
import SystemPackage

/// A place to run commands in: a folder closed to everybody else, a workspace in it, and what a command prints there.
final class Bench: Sendable {
    let folder: FilePath
    let workspace: Workspace
    let sandbox: Sandbox

    /// - Parameters:
    ///   - groups: Where commands get control groups, if they do.
    ///   - disk: What the workspace is made from, if it is not a folder.
    init(groups: ControlGroups? = nil, disk: DiskImage? = nil) throws {
        folder = FilePath("/tmp/kettle-sandbox-tests-\(UInt64.random(in: .min ... .max))")
        guard mkdir(folder.string, 0o700) == 0 else { throw Errno(rawValue: errno) }
        sandbox = try Sandbox(confiner: KettleExecutable.confiner, groups: groups, disk: disk)
        workspace = try sandbox.makeWorkspace(at: folder.appending("workspace"))
    }

    deinit {
        workspace.remove()
        Workspace(path: folder, uid: nil).remove()
    }

    struct Result {
        var end: CommandEnd
        var stdout: String
        var stderr: String
    }

    /// Runs a shell script in `/`, or in `/build` when something is mounted there.
    func run(
        _ script: String, environment: [String: String] = ["PATH": SandboxCommand.standardSearchPath],
        mounts: [SandboxMount] = [], network: SandboxNetwork = .none,
        limits: SandboxLimits = .init(wallClock: .seconds(600))
    ) async throws -> Result {
        let output = Mutex<[OutputStream: [UInt8]]>([:])
        let end = try await sandbox.run(
            command(script, environment: environment, mounts: mounts, network: network, limits: limits), in: workspace
        ) { stream, chunk in
            output.withLock { $0[stream, default: []] += chunk }
        }
        let (stdout, stderr) = output.withLock { ($0[.stdout] ?? [], $0[.stderr] ?? []) }
        return Result(
            end: end, stdout: String(decoding: stdout, as: UTF8.self), stderr: String(decoding: stderr, as: UTF8.self))
    }

    func command(
        _ script: String, environment: [String: String] = ["PATH": SandboxCommand.standardSearchPath],
        mounts: [SandboxMount] = [], network: SandboxNetwork = .none,
        limits: SandboxLimits = .init(wallClock: .seconds(600))
    ) -> SandboxCommand {
        SandboxCommand(
            arguments: ["/bin/sh", "-c", script], environment: environment, workingDirectory: "/", mounts: mounts,
            network: network, limits: limits)
    }
}

func write(_ text: String, to path: FilePath, mode: mode_t = 0o644) throws {
    let file = open(path.string, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard file >= 0 else { throw Errno(rawValue: errno) }
    defer { close(file) }
    let bytes = Array(text.utf8)
    guard Glibc.write(file, bytes, bytes.count) == bytes.count else { throw Errno(rawValue: errno) }
}

/// Waits until something is so; the test's time limit is the net.
func eventually(_ condition: () -> Bool) async throws {
    while !condition() { try await Task.sleep(for: .milliseconds(5)) }
}
