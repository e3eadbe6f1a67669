import Glibc
import KettleSandbox
import KettleTesting
import Synchronization
import SystemPackage
import Testing

@Suite(.enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"), .timeLimit(.minutes(15)))
struct SandboxTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    // MARK: - Results

    @Test func `what a command prints and returns comes back`() async throws {
        let result = try await bench.run("echo out; echo err >&2; exit 7")
        #expect(result.stdout == "out\n")
        #expect(result.stderr == "err\n")
        #expect(result.end.exitCode == 7)
        #expect(result.end.signal == nil)
        #expect(!result.end.succeeded)
    }

    @Test func `a signal that ends a command is told`() async throws {
        let result = try await bench.run("kill -SEGV $$")
        #expect(result.end.exitCode == nil)
        #expect(result.end.signal == SIGSEGV)
        #expect(result.end.status == 139)
    }

    @Test func `no output is lost and each stream keeps its order`() async throws {
        let result = try await bench.run("seq 1 50000; seq 1 50000 >&2")
        let expected = (1...50_000).map { "\($0)\n" }.joined()
        #expect(result.stdout == expected)
        #expect(result.stderr == expected)
    }

    @Test func `pieces of output never overlap`() async throws {
        let busy = Mutex(false)
        _ = try await bench.sandbox.run(
            bench.command("for i in 1 2 3 4 5 6 7 8; do echo out; echo err >&2; done"), in: bench.workspace
        ) { _, _ in
            #expect(
                busy.withLock { wasBusy in
                    defer { wasBusy = true }; return !wasBusy
                })
            try await Task.sleep(for: .milliseconds(2))
            busy.withLock { $0 = false }
        }
    }

    @Test func `commands run side by side`() async throws {
        try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for number in 0..<8 {
                group.addTask { (number, try await bench.run("echo \(number)").stdout) }
            }
            for try await (number, stdout) in group { #expect(stdout == "\(number)\n") }
        }
    }

    @Test func `processor time and memory are counted`() async throws {
        let result = try await bench.run("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")
        #expect(result.end.processorTime > .milliseconds(20))
        #expect(result.end.peakMemoryBytes > 1 << 20)
    }

    @Test func `the probe finds that this machine can confine`() async throws {
        try await bench.sandbox.probe(in: bench.folder)
    }

    // MARK: - What is inside

    @Test func `the environment is the one that was given, and PWD`() async throws {
        setenv("KETTLE_TEST_SECRET", "hidden", 1)
        let result = try await bench.run("/usr/bin/env", environment: ["A": "1", "EMPTY": "", "B": "x=y z\nnew"])
        #expect(Set(result.stdout.split(separator: "\n")) == ["A=1", "EMPTY=", "B=x=y z", "new", "PWD=/"])
        let first = try await bench.run("tr '\\0' '\\n' </proc/1/environ")
        #expect(first.stdout == "")
    }

    @Test func `standard input is empty`() async throws {
        let result = try await bench.run("cat; readlink /proc/self/fd/0")
        #expect(result.stdout == "/dev/null\n")
    }

    @Test func `no descriptor of the server is inherited`() async throws {
        let secret = open("/proc/self/maps", O_RDONLY)
        #expect(fcntl(secret, F_SETFD, 0) == 0)
        defer { close(secret) }
        let result = try await bench.run("for fd in /proc/$$/fd/*; do readlink $fd; done; ls /proc/1/fd | tr '\\n' ' '")
        let lines = result.stdout.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[0] == "/dev/null")
        #expect(lines[1].hasPrefix("pipe:") && lines[2].hasPrefix("pipe:"))
        // bubblewrap's own first process keeps the event descriptor on which it tells how the command ended.
        #expect(!result.stdout.contains("maps"))
    }

    @Test func `only its own processes are visible, and no path of the host in them`() async throws {
        let folder = try bench.workspace.makeFolder("target")
        let result = try await bench.run(
            "ls /proc | grep -c '^[0-9]'; tr '\\0' ' ' </proc/1/cmdline", mounts: [.writable(folder, at: "/build")])
        let lines = result.stdout.split(separator: "\n", maxSplits: 1)
        #expect(try #require(Int(lines[0])) <= 4)
        #expect(!result.stdout.contains("kettle-sandbox-tests"))
        #expect(!result.stdout.contains("/tmp/0"))
    }

    @Test func `the user has no name, no privileges and no way to more`() async throws {
        let result = try await bench.run(
            """
            id -u; id -g; id -G; hostname
            grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status
            unshare --user true 2>/dev/null && echo a user namespace could be made
            mount -t tmpfs none /tmp 2>/dev/null && echo mounted
            true
            """)
        let lines = result.stdout.split(separator: "\n").map {
            $0.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        #expect(
            lines == [
                "1000", "1000", "1000", "build", "CapInh: 0000000000000000", "CapPrm: 0000000000000000",
                "CapEff: 0000000000000000", "CapBnd: 0000000000000000", "CapAmb: 0000000000000000", "NoNewPrivs: 1",
            ])
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a workspace a user of its own"))
    func `on the host it is the workspace's user`() async throws {
        let folder = try bench.workspace.makeFolder("target")
        _ = try await bench.run("touch /build/file", mounts: [.writable(folder, at: "/build")])
        let owner = try attributes(of: folder.appending("file")).user
        #expect(owner == bench.workspace.uid)
        #expect(owner != 0)
        let other = try bench.sandbox.makeWorkspace(at: bench.folder.appending("other"))
        #expect(other.uid != bench.workspace.uid)
    }

    @Test func `it writes where it was told and nowhere else`() async throws {
        let target = try bench.workspace.makeFolder("target")
        let source = try bench.workspace.makeFolder("source")
        try write("given", to: source.appending("file"))
        let result = try await bench.run(
            """
            for place in / /usr /usr/bin /bin /etc /var /run /dev /build /build/source /proc /proc/sys/kernel /home; do
                touch $place/new 2>/dev/null && echo wrote to $place
            done
            (echo more >> /build/source/file) 2>/dev/null && echo changed a file
            (echo core > /proc/sys/kernel/core_pattern) 2>/dev/null && echo changed a setting
            for place in /build/target /tmp /var/tmp /home/build /dev/shm; do
                touch $place/new || echo did not write to $place
            done
            cat /build/source/file
            """, mounts: [.readOnly(source, at: "/build/source"), .writable(target, at: "/build/target")])
        #expect(result.stdout == "given")
        #expect(access(target.appending("new").string, F_OK) == 0)
    }

    @Test func `folders below one that is closed can be mounted`() async throws {
        // The bench's folder is 0700, and so is the one in between.
        let closed = bench.folder.appending("closed")
        #expect(mkdir(closed.string, 0o700) == 0)
        let toolchain = closed.appending("toolchain")
        #expect(mkdir(toolchain.string, 0o755) == 0)
        try write("rust", to: toolchain.appending("name"))
        try write("alone", to: closed.appending("file"))
        let result = try await bench.run(
            "cat /toolchain/rust/name /toolchain/file; ls /toolchain",
            mounts: [
                .readOnly(toolchain, at: "/toolchain/rust"), .readOnly(closed.appending("file"), at: "/toolchain/file"),
            ])
        #expect(result.stdout == "rustalonefile\nrust\n")
    }

    @Test func `a text hides a file of another mount`() async throws {
        let source = try bench.workspace.makeFolder("source")
        try write("hostile", to: source.appending("config"))
        let result = try await bench.run(
            "cat /build/source/config /etc2/file; (echo x > /build/source/config) 2>/dev/null || echo refused",
            mounts: [
                .text("ours", at: "/build/source/config"), .readOnly(source, at: "/build/source"),
                .text("new", at: "/etc2/file"),
            ])
        #expect(result.stdout == "oursnewrefused\n")
        #expect(contents(of: source.appending("config").string) == "hostile")
    }

    @Test func `nothing of the host but its system is there`() async throws {
        let result = try await bench.run(
            "ls -A / /home /home/build /tmp /root /etc/shadow /sys \(bench.folder) 2>/dev/null; cat /etc/passwd | wc -l"
        )
        #expect(!result.stdout.contains("workspace"))
        #expect(result.stdout.hasSuffix("\n1\n"))
        #expect(!result.stdout.contains("shadow"))
        #expect(!result.stdout.contains("root"))
    }

    // MARK: - Network

    @Test func `there is no network, the host's loopback included`() async throws {
        let listener = try LoopbackListener()
        defer { listener.close() }
        let script = """
            ls /sys/class/net 2>/dev/null; tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '
            bash -c 'exec 3<>/dev/tcp/127.0.0.1/\(listener.port)' 2>/dev/null && echo connected
            getent hosts example.com && echo resolved
            true
            """
        #expect(try await bench.run(script).stdout == "lo\n")
        #expect(listener.connections == 0)
    }

    // MARK: - What cannot be run

    @Test func `a program that is not there is a failure of the set-up`() async throws {
        let command = SandboxCommand(arguments: ["/no/such/program"], environment: [:], workingDirectory: "/")
        await #expect {
            try await bench.sandbox.run(command, in: bench.workspace) { _, _ in }
        } throws: { ($0 as? SandboxError)?.code == "sandbox.setup_failed" }
    }

    @Test func `a folder that is not there is a failure of the set-up`() async throws {
        await #expect {
            try await bench.run("true", mounts: [.readOnly(bench.folder.appending("missing"), at: "/missing")])
        } throws: {
            guard case .setupFailed(let reason) = $0 as? SandboxError else { return false }
            return reason.contains("/missing") && !reason.contains("kettle-sandbox-tests")
        }
    }

    @Test(arguments: ["", "relative", "/usr/../bin/sh"])
    func `a working directory that is not plain and absolute is refused`(path: String) async throws {
        var command = bench.command("true")
        command.workingDirectory = path
        await #expect {
            try await bench.sandbox.run(command, in: bench.workspace) { _, _ in }
        } throws: { ($0 as? SandboxError)?.code == "sandbox.invalid_command" }
    }

    @Test func `arguments that are too long or hold a NUL are refused`() async throws {
        for script in [String(repeating: "x", count: 70_000), "a\0b"] {
            await #expect {
                try await bench.run(script)
            } throws: { ($0 as? SandboxError)?.code == "sandbox.invalid_command" }
        }
    }

    @Test func `a long request still fits`() async throws {
        let result = try await bench.run("echo \(String(repeating: "x", count: 60_000)) | wc -c")
        #expect(result.stdout == "60001\n")
    }

    @Test func `a writable folder outside the workspace is refused`() async throws {
        for place in [bench.folder, bench.workspace.path, FilePath("/"), bench.workspace.path.appending("../other")] {
            await #expect(throws: SandboxError.self) {
                try await bench.run("true", mounts: [.writable(place, at: "/build")])
            }
        }
    }

    @Test func `a link in the workspace is not followed to a mount's source`() async throws {
        let folder = try bench.workspace.makeFolder("target")
        #expect(symlink("/etc", folder.appending("link").string) == 0)
        for mount in [
            SandboxMount.writable(folder.appending("link"), at: "/etc2"),
            .readOnly(folder.appending("link/ssl"), at: "/etc2"),
        ] {
            await #expect {
                try await bench.run("true", mounts: [mount])
            } throws: { ($0 as? SandboxError)?.code == "sandbox.setup_failed" }
        }
    }

    @Test func `a launcher that is not there is told`() {
        #expect(throws: SandboxError.confinerMissing) { try Sandbox(confiner: "/no/such/kettle") }
        #expect(throws: SandboxError.confinerMissing) { try Sandbox(confiner: "kettle") }
    }
}
