import Glibc
import KettleLauncher
import KettleTesting
import Synchronization
import SystemPackage
import Testing

@testable import KettleSandbox

/// However a run ends, nothing of the command is alive afterwards.
@Suite(.enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"), .timeLimit(.minutes(15)))
struct SandboxEndTests {
    let bench: Bench
    /// An argument of `sleep` that names this test's processes.
    let mark = "9\(UInt32.random(in: 10_000_000...99_999_999))"

    init() throws { bench = try Bench() }

    /// Leaves processes behind in every way a shell knows, then goes on.
    private var daemons: String {
        """
        sleep \(mark) &
        setsid sleep \(mark) &
        (setsid sh -c 'trap "" HUP TERM INT; (sleep \(mark) &) ; sleep \(mark)' >/dev/null 2>&1 </dev/null &) &
        nohup sleep \(mark) >/dev/null 2>&1 &
        """
    }

    @Test func `daemons end with the command that started them`() async throws {
        let result = try await bench.run(daemons + "\nsleep 0.1; echo done")
        #expect(result.end.succeeded)
        #expect(processes(with: mark).isEmpty)
    }

    @Test func `the wall clock ends everything`() async throws {
        await #expect(throws: SandboxError.limitExceeded(limit: .wallClock, value: "1 s")) {
            try await bench.run(daemons + "\nsleep \(mark)", limits: SandboxLimits(wallClock: .seconds(1)))
        }
        #expect(processes(with: mark).isEmpty)
    }

    @Test func `cancelling ends everything`() async throws {
        let started = Mutex(false)
        let task = Task {
            try await bench.sandbox.run(
                bench.command(daemons + "\necho started; trap '' TERM INT HUP; sleep \(mark)"), in: bench.workspace
            ) { _, _ in started.withLock { $0 = true } }
        }
        try await eventually { started.withLock { $0 } }
        #expect(!processes(with: mark).isEmpty)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(processes(with: mark).isEmpty)
    }

    @Test func `a run that is cancelled before it starts or as it starts leaves nothing`() async throws {
        for delay in 0..<30 {
            let task = Task {
                try await bench.run(daemons + "\nsleep \(mark)")
            }
            try await Task.sleep(for: .milliseconds(delay))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(processes(with: mark).isEmpty)
        }
    }

    @Test func `a flood of output ends everything, and no byte above the limit is passed on`() async throws {
        let received = Mutex(0)
        await #expect(throws: SandboxError.limitExceeded(limit: .outputBytes, value: "1000000 bytes")) {
            try await bench.sandbox.run(
                bench.command(
                    daemons + "\nyes \(mark) >&2 & yes \(mark)", limits: SandboxLimits(outputBytes: 1_000_000)),
                in: bench.workspace
            ) { _, chunk in received.withLock { $0 += chunk.count } }
        }
        #expect(received.withLock { $0 } == 1_000_000)
        #expect(processes(with: mark).isEmpty)
    }

    @Test func `output of exactly the limit is no error`() async throws {
        let result = try await bench.run("head -c 100000 /dev/zero", limits: SandboxLimits(outputBytes: 100_000))
        #expect(result.stdout.utf8.count == 100_000)
    }

    @Test func `a receiver's error ends everything and is thrown on`() async throws {
        struct Full: Error {}
        await #expect(throws: Full.self) {
            try await bench.sandbox.run(bench.command(daemons + "\nyes \(mark)"), in: bench.workspace) { _, _ in
                throw Full()
            }
        }
        #expect(processes(with: mark).isEmpty)
    }

    @Test func `a stream that is closed early does not end the command`() async throws {
        let result = try await bench.run("exec >&-; sleep 0.2; echo still here >&2")
        #expect(result.end.succeeded)
        #expect(result.stderr == "still here\n")
    }

    @Test func `when the server dies the launcher ends everything`() async throws {
        let request = try LauncherRequest(
            command: bench.command(daemons + "\nsleep \(mark)"), workspace: bench.workspace,
            bubblewrap: "/usr/bin/bwrap", confiner: KettleExecutable.confiner.string)
        let launcher = try spawnLauncher(sending: request)
        try await eventually { processes(with: mark).count > 4 }
        // What the kernel does for a process that is killed.
        close(launcher.channel)
        var status: CInt = 0
        #expect(waitpid(launcher.process, &status, 0) == launcher.process)
        #expect(processes(with: mark).isEmpty)
    }

    @Test func `when the launcher is killed everything dies with it`() async throws {
        let request = try LauncherRequest(
            command: bench.command(daemons + "\nsleep \(mark)"), workspace: bench.workspace,
            bubblewrap: "/usr/bin/bwrap", confiner: KettleExecutable.confiner.string)
        let launcher = try spawnLauncher(sending: request)
        try await eventually { processes(with: mark).count > 4 }
        kill(launcher.process, SIGKILL)
        var status: CInt = 0
        #expect(waitpid(launcher.process, &status, 0) == launcher.process)
        try await eventually { processes(with: mark).isEmpty }
        close(launcher.channel)
    }

    @Test func `a file beyond the limit cannot be written, nor memory filled through a file system`() async throws {
        let target = try bench.workspace.makeFolder("target")
        let limits = SandboxLimits(wallClock: .seconds(30), fileBytes: 1 << 20, temporaryBytes: 1 << 20)
        let result = try await bench.run(
            """
            head -c 4M /dev/zero > /build/file; echo $?
            for i in 1 2 3; do head -c 800K /dev/zero > /tmp/$i; done 2>/dev/null; du -k --apparent-size -s /tmp | cut -f1
            """, mounts: [.writable(target, at: "/build")], limits: limits)
        let numbers = result.stdout.split(separator: "\n").compactMap { Int($0) }
        #expect(numbers.first == 128 + 25)
        #expect(try #require(numbers.last) <= 1100)
        #expect(try attributes(of: target.appending("file")).size == 1 << 20)
    }

    /// Starts a launcher as the server does, but without the server.
    private func spawnLauncher(sending request: LauncherRequest) throws -> (process: pid_t, channel: CInt) {
        var pair: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw Errno(rawValue: errno)
        }
        let bytes = request.encoded()
        #expect(send(pair[0], bytes, bytes.count, 0) == bytes.count)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pair[1], 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var process: pid_t = 0
        let words = [strdup(KettleExecutable.confiner.string), strdup("launch"), nil]
        let error = posix_spawn(&process, KettleExecutable.confiner.string, &actions, nil, words, [nil])
        for word in words { free(word) }
        posix_spawn_file_actions_destroy(&actions)
        close(pair[1])
        guard error == 0 else { throw Errno(rawValue: error) }
        return (process, pair[0])
    }
}
