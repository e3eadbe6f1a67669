import Glibc
import KettleLauncher
import KettleTesting
import SystemPackage
import Testing

@testable import KettleSandbox

/// Every limit ends a command that reaches it, by name, and leaves no process: with what root has, and without.
@Suite(
    .serialized, .enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"),
    .timeLimit(.minutes(30)))
struct LimitTests {
    /// What a sandbox has to keep limits with.
    enum Means: String, CaseIterable, Sendable {
        /// Control groups and a file system for each workspace, as far as the machine gives them.
        case kernel
        /// The launcher's watch and rlimits.
        case watch
    }

    let mark = "7\(UInt32.random(in: 10_000_000...99_999_999))"

    private func bench(_ means: Means, _ limits: SandboxLimits = SandboxLimits()) async throws -> Bench {
        guard means == .kernel else { return try Bench() }
        let scratch = try ScratchFolder()
        let found = await Confinement.find(limits, in: scratch.path)
        return try Bench(groups: found.groups, disk: found.disk)
    }

    /// Runs a script that reaches a limit.
    private func expect(
        _ limit: SandboxLimit, _ script: String, _ limits: SandboxLimits, _ means: Means
    ) async throws {
        let bench = try await bench(means, limits)
        let target = try bench.workspace.makeFolder("target")
        let expected = SandboxError.limitExceeded(limit: limit, value: limits.text(of: limit) ?? "")
        await #expect(throws: expected) {
            let result = try await bench.run(
                "sleep \(mark) & " + script, mounts: [.writable(target, at: "/build")], limits: limits)
            Issue.record(
                "it ended with \(result.end.status): \(result.stdout.suffix(300)) \(result.stderr.suffix(300))")
        }
        #expect(KettleTesting.processes(with: mark).isEmpty)
    }

    private func limits(_ change: (inout SandboxLimits) -> Void) -> SandboxLimits {
        var limits = SandboxLimits(wallClock: .seconds(600))
        change(&limits)
        return limits
    }

    @Test(arguments: Means.allCases)
    func `memory`(means: Means) async throws {
        let script = """
            python3 -c 'import time
            blocks = []
            for i in range(600):
                blocks.append(bytearray(1 << 20)); time.sleep(0.001)
            time.sleep(600)'
            """
        try await expect(.memory, script, limits { $0.memoryBytes = 200 << 20 }, means)
    }

    @Test(.enabled(if: geteuid() == 0, "needs control groups"))
    func `memory of file systems in memory and of shared memory`() async throws {
        for place in ["/tmp", "/dev/shm", "/home/build"] {
            let script = "head -c 400M /dev/zero > \(place)/file; sleep 600"
            try await expect(.memory, script, limits { $0.memoryBytes = 200 << 20 }, .kernel)
        }
    }

    @Test(arguments: Means.allCases)
    func `processes`(means: Means) async throws {
        let script = """
            exec python3 -c 'import os, time
            try:
                for i in range(200):
                    if os.fork() == 0: time.sleep(600)
            except OSError: time.sleep(600)'
            """
        try await expect(.processes, script, limits { $0.processes = 60 }, means)
    }

    @Test(arguments: Means.allCases)
    func `processor time of several processes together`(means: Means) async throws {
        let script = "for i in 1 2 3; do (while :; do :; done) & done; wait"
        try await expect(.processorTime, script, limits { $0.processorTime = .seconds(2) }, means)
    }

    @Test(arguments: Means.allCases)
    func `open files`(means: Means) async throws {
        let script = """
            exec python3 -c 'import os, time
            kept = []
            try:
                while True: kept.append(os.open("/dev/null", os.O_RDONLY))
            except OSError: time.sleep(600)'
            """
        try await expect(.openFiles, script, limits { $0.openFiles = 100 }, means)
    }

    @Test(arguments: Means.allCases)
    func `disk by many files`(means: Means) async throws {
        let script = "for i in $(seq 1 400); do head -c 1M /dev/zero > /build/$i || sleep 600; done; sleep 600"
        try await expect(.disk, script, limits { $0.diskBytes = 64 << 20 }, means)
    }

    @Test(arguments: Means.allCases)
    func `disk by files that are removed and still open`(means: Means) async throws {
        let script = """
            exec 3>/build/one 4>/build/other; rm /build/one /build/other
            head -c 50M /dev/zero >&3; head -c 50M /dev/zero >&4; sleep 600
            """
        try await expect(.disk, script, limits { $0.diskBytes = 64 << 20 }, means)
    }

    @Test(arguments: Means.allCases)
    func `disk by one file`(means: Means) async throws {
        let script = "truncate -s 5T /build/sparse && exit 0; head -c 400M /dev/zero > /build/file; exit 1"
        try await expect(.disk, script, limits { $0.diskBytes = 64 << 20 }, means)
    }

    /// The file system of the image has room, and what it lies on has not: nobody is told when it is written.
    @Test(.enabled(if: geteuid() == 0, "needs root"))
    func `a disk that is full below the workspace is found out`() async throws {
        let scratch = try ScratchFolder()
        let small = scratch.path.appending("small")
        #expect(mkdir(small.string, 0o700) == 0)
        try #require(mount("none", small.string, "tmpfs", 0, "size=24m") == 0)
        defer { umount2(small.string, CInt(MNT_DETACH)) }
        let image = try await DiskImage.format(bytes: 64 << 20, files: 1000, in: scratch.path)
        let sandbox = try Sandbox(confiner: KettleExecutable.confiner, disk: image)
        let workspace = try sandbox.makeWorkspace(at: small.appending("workspace"))
        defer { workspace.remove() }
        let target = try workspace.makeFolder("target")
        try workspace.checkWritten()
        for count in [1, 50] {
            let command = SandboxCommand(
                arguments: ["/bin/sh", "-c", "head -c \(count)M /dev/urandom > /build/file; sync"],
                environment: ["PATH": "/usr/bin"], workingDirectory: "/", mounts: [.writable(target, at: "/build")])
            let end = try await sandbox.run(command, in: workspace) { _, _ in }
            #expect(end.succeeded)
            if count == 1 { try workspace.checkWritten() }
        }
        #expect {
            try workspace.checkWritten()
        } throws: { ($0 as? SandboxError)?.code == "sandbox.workspace_failed" }
    }

    @Test(arguments: Means.allCases)
    func `files and folders`(means: Means) async throws {
        let script = """
            exec python3 -c 'import os, time
            try:
                for i in range(100000): os.mkdir("/build/%d" % i)
            except OSError: time.sleep(600)
            time.sleep(600)'
            """
        try await expect(.files, script, limits { $0.files = 2000 }, means)
    }

    @Test(arguments: Means.allCases)
    func `a tree that is too deep to look through`(means: Means) async throws {
        let script = """
            exec python3 -c 'import os, time
            os.chdir("/build")
            for i in range(100000):
                os.mkdir("d"); os.chdir("d")
            time.sleep(600)'
            """
        try await expect(.files, script, limits { $0.files = 3000 }, means)
    }

    @Test func `lines of output`() async throws {
        let script = "yes | head -n 5000"
        try await expect(.outputLines, script, limits { $0.outputLines = 1000 }, .watch)
        let bench = try Bench()
        let result = try await bench.run("yes | head -n 1000", limits: limits { $0.outputLines = 1000 })
        #expect(result.end.succeeded)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root"))
    func `a workspace of its own file system goes away, mount and all`() async throws {
        let limits = limits { $0.diskBytes = 64 << 20 }
        let bench = try await bench(.kernel, limits)
        try #require(bench.workspace.disk != nil)
        let mounts = { contents(of: "/proc/self/mountinfo").contains(bench.workspace.path.string) }
        #expect(mounts())
        let target = try bench.workspace.makeFolder("target")
        _ = try await bench.run(
            "head -c 30M /dev/zero > /build/file; mkdir -p /build/a/b; chmod 0 /build/a",
            mounts: [.writable(target, at: "/build")], limits: limits)
        #expect(try attributes(of: target.appending("file")).size == 30 << 20)
        #expect(bench.workspace.remove())
        #expect(!mounts())
        #expect(access(bench.workspace.path.string, F_OK) != 0)
    }
}
