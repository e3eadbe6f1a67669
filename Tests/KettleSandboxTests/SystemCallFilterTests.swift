import Glibc
import KettleSandbox
import KettleTesting
import Testing

/// Calls made inside by number, with Python as the hand that makes them. Numbers are those of x86-64.
@Suite(
    .enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"),
    .enabled(if: isX86, "the numbers are those of x86-64"), .timeLimit(.minutes(15)))
struct SystemCallFilterTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    struct Call: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var number: Int
        var arguments: [UInt64] = []
        var answer: CInt
    }

    static let refused = [
        Call(testDescription: "unshare of a user namespace", number: 272, arguments: [0x1000_0000], answer: EPERM),
        Call(testDescription: "clone into a user namespace", number: 56, arguments: [0x1000_0011], answer: EPERM),
        Call(testDescription: "clone into a mount namespace", number: 56, arguments: [0x2_0011], answer: EPERM),
        Call(testDescription: "clone3", number: 435, answer: ENOSYS),
        Call(testDescription: "setns", number: 308, arguments: [0, 0], answer: EPERM),
        Call(testDescription: "mount", number: 165, answer: EPERM),
        Call(testDescription: "umount2", number: 166, answer: EPERM),
        Call(testDescription: "fsopen", number: 430, answer: EPERM),
        Call(testDescription: "pivot_root", number: 155, answer: EPERM),
        Call(testDescription: "ptrace", number: 101, answer: EPERM),
        Call(testDescription: "process_vm_readv", number: 310, arguments: [1], answer: EPERM),
        Call(testDescription: "pidfd_getfd", number: 438, answer: EPERM),
        Call(testDescription: "keyctl", number: 250, answer: EPERM),
        Call(testDescription: "add_key", number: 248, answer: EPERM),
        Call(testDescription: "request_key", number: 249, answer: EPERM),
        Call(testDescription: "io_uring_setup", number: 425, arguments: [1], answer: ENOSYS),
        Call(testDescription: "bpf", number: 321, answer: ENOSYS),
        Call(testDescription: "userfaultfd", number: 323, answer: ENOSYS),
        Call(testDescription: "perf_event_open", number: 298, answer: ENOSYS),
        Call(testDescription: "open_by_handle_at", number: 304, answer: EPERM),
        Call(testDescription: "clock_settime", number: 227, answer: EPERM),
        Call(testDescription: "AF_VSOCK", number: 41, arguments: [40, 1, 0], answer: EAFNOSUPPORT),
        Call(testDescription: "AF_PACKET", number: 41, arguments: [17, 3, 0], answer: EAFNOSUPPORT),
        Call(testDescription: "AF_ALG", number: 41, arguments: [38, 5, 0], answer: EAFNOSUPPORT),
        Call(
            testDescription: "AF_VSOCK with bits above the family", number: 41, arguments: [0x1_0000_0028, 1, 0],
            answer: EAFNOSUPPORT),
        Call(testDescription: "a family to come", number: 41, arguments: [70, 1, 0], answer: EAFNOSUPPORT),
        Call(testDescription: "netlink other than routes", number: 41, arguments: [16, 3, 9], answer: EPROTONOSUPPORT),
        Call(testDescription: "TIOCSTI", number: 16, arguments: [0, 0x5412, 0], answer: EPERM),
        Call(
            testDescription: "TIOCSTI with bits above the request", number: 16, arguments: [0, 0x1_0000_5412, 0],
            answer: EPERM),
        Call(testDescription: "TIOCLINUX", number: 16, arguments: [0, 0x541C, 0], answer: EPERM),
        Call(
            testDescription: "AF_PACKET by its old name", number: 41, arguments: [2, 0x8_000A, 3], answer: EAFNOSUPPORT),
        Call(testDescription: "open making a setuid file", number: 2, arguments: [0, 0o102, 0o4755], answer: EPERM),
        Call(
            testDescription: "openat making a setgid file", number: 257, arguments: [0, 0, 0o102, 0o2755], answer: EPERM
        ),
        Call(
            testDescription: "openat making a setuid file without a name", number: 257,
            arguments: [0, 0, 0o20_200_002, 0o4755], answer: EPERM),
        Call(testDescription: "creat of a setuid file", number: 85, arguments: [0, 0o4755], answer: EPERM),
        Call(testDescription: "mknod of a setuid file", number: 133, arguments: [0, 0o104755, 0], answer: EPERM),
        Call(testDescription: "fchmod to setuid", number: 91, arguments: [1, 0o4755], answer: EPERM),
        Call(testDescription: "fchmod to setgid", number: 91, arguments: [1, 0o2755], answer: EPERM),
        Call(testDescription: "a character device", number: 133, arguments: [0, 0o020644, 0x103], answer: EPERM),
        Call(testDescription: "a block device", number: 259, arguments: [0, 0, 0o060644, 0x800], answer: EPERM),
    ]

    @Test func `calls that no build needs are refused, each with its answer`() async throws {
        let printed = try await make(Self.refused)
        for (call, line) in zip(Self.refused, printed) {
            #expect(line == "-1 \(call.answer)", "\(call.testDescription)")
        }
        #expect(printed.count == Self.refused.count)
    }

    @Test func `what builds do all the time is allowed`() async throws {
        let allowed = [
            Call(testDescription: "AF_UNIX", number: 41, arguments: [1, 1, 0], answer: 0),
            Call(testDescription: "AF_INET", number: 41, arguments: [2, 1, 0], answer: 0),
            Call(testDescription: "AF_INET6", number: 41, arguments: [10, 2, 0], answer: 0),
            Call(testDescription: "the routing table", number: 41, arguments: [16, 3, 0], answer: 0),
            Call(testDescription: "getpid", number: 39, answer: 0),
            Call(
                testDescription: "a stream that is closed on exec", number: 41, arguments: [2, 0x8_0001, 0], answer: 0),
            Call(testDescription: "fchmod", number: 91, arguments: [3, 0o755], answer: 0),
        ]
        for (call, line) in zip(allowed, try await make(allowed)) {
            #expect(!line.hasPrefix("-1"), "\(call.testDescription): \(line)")
        }
        let result = try await bench.run(
            "python3 -c 'import threading, subprocess; t = threading.Thread(target=print, args=(1,)); t.start(); t.join(); "
                + "print(subprocess.run([\"/bin/true\"]).returncode)'")
        #expect(result.stdout == "1\n0\n", "\(result.stderr)")
    }

    @Test func `calls by the numbers of another architecture end the process`() async throws {
        let result = try await bench.run(script([.init(testDescription: "x32", number: 0x4000_0027, answer: 0)]))
        #expect(result.end.status == 128 + SIGSYS)
        #expect(result.stdout.isEmpty)
    }

    /// Makes the calls and returns what each returned, with its error number.
    private func make(_ calls: [Call]) async throws -> [String] {
        let result = try await bench.run(script(calls))
        #expect(result.end.succeeded, "\(result.stderr)")
        return result.stdout.split(separator: "\n").map(String.init)
    }

    private func script(_ calls: [Call]) -> String {
        var lines = [
            "exec 3>/tmp/file; exec python3 - <<'END'", "import ctypes",
            "c = ctypes.CDLL(None, use_errno=True).syscall",
            "c.restype = ctypes.c_long",
            "def call(*words):", "    ctypes.set_errno(0)", "    r = c(*map(ctypes.c_ulong, words))",
            "    print(r, ctypes.get_errno(), flush=True)",
        ]
        for call in calls {
            lines.append("call(\(([UInt64(call.number)] + call.arguments).map(String.init).joined(separator: ", ")))")
        }
        return (lines + ["END"]).joined(separator: "\n")
    }
}

#if arch(x86_64)
    private let isX86 = true
#else
    private let isX86 = false
#endif
