import CLinux
import Glibc
import KettleConfine

/// A bubblewrap that runs one command, watched by the launcher to its very end.
struct Bubblewrap {
    private let process: pid_t
    /// Readable once bubblewrap has ended.
    private let processDescriptor: CInt
    /// Where bubblewrap has written how the command ended.
    private let statusPipe: CInt
    /// Where `kettle-confine` has written why it did not start the command.
    private let failurePipe: CInt
    private var watch: LimitWatch

    /// Starts bubblewrap with an empty environment, an empty standard input, and nothing inherited but the output streams.
    init(_ request: LauncherRequest, sources: [String?], watch: LimitWatch) throws(LaunchFailure) {
        self.watch = watch
        let pipe = try Self.makePipe()
        let failures = try Self.makePipe()
        let filter = try must(linux_memory_file("kettle"), "make a file in memory")
        try SystemCallFilter.compiled(into: filter)
        let arguments = try BubblewrapArguments(
            request, sources: sources, statusDescriptor: pipe[1], filterDescriptor: filter, file: Self.makeFile)
        let options = arguments.options.joined(separator: "\0") + "\0"
        let descriptor = try Self.makeFile(options)
        let confine = ConfineRequest(
            reportDescriptor: failures[1],
            // Bubblewrap's first process counts as well.
            processes: watch.boundsProcesses ? nil : request.limits.processes + 1,
            proxyPort: request.hasEgress ? InsideSandbox.proxyPort : nil,
            writableFolders: arguments.writableFolders, command: request.arguments)
        process = try Self.spawn(
            request.bubblewrap,
            ["bwrap", "--args", String(descriptor), "--", LauncherRequest.confinerInside] + confine.arguments)
        close(pipe[1])
        close(failures[1])
        statusPipe = pipe[0]
        failurePipe = failures[0]
        processDescriptor = try must(linux_pidfd_open(process), "follow bubblewrap")
    }

    /// A pipe whose writing end is inherited.
    private static func makePipe() throws(LaunchFailure) -> [CInt] {
        var pipe: [CInt] = [-1, -1]
        try must(Glibc.pipe(&pipe), "make a pipe")
        _ = fcntl(pipe[0], F_SETFD, FD_CLOEXEC)
        return pipe
    }

    private static func makeFile(_ content: String) throws(LaunchFailure) -> CInt {
        let file = try must(linux_memory_file("kettle"), "make a file in memory")
        let bytes = Array(content.utf8)
        guard write(file, bytes, bytes.count) == bytes.count, lseek(file, 0, SEEK_SET) == 0 else {
            throw LaunchFailure(reason: "could not fill a file in memory: \(lastSystemError())")
        }
        return file
    }

    private static func spawn(_ program: String, _ arguments: [String]) throws(LaunchFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A server ignores SIGPIPE, say, and a build must not inherit that.
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        let words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var process: pid_t = 0
        let error = posix_spawn(&process, program, &actions, &attributes, words, &environment)
        guard error == 0 else {
            throw LaunchFailure(reason: "could not start bubblewrap: \(String(cString: strerror(error)))")
        }
        return process
    }

    // MARK: - To the end

    /// Waits until every process of the command is dead, and kills them when the lifeline closes or a limit is reached.
    mutating func run(lifeline: CInt) throws(LaunchFailure) -> LauncherReport {
        let budget = LookBudget(lifeline: lifeline, process: processDescriptor)
        var end: LauncherReport?
        var events = [
            pollfd(fd: processDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: lifeline, events: Int16(POLLIN) | linux_peer_hung_up(), revents: 0),
        ]
        while true {
            let count = poll(&events, nfds_t(events.count), end == nil ? watch.delay : -1)
            if count < 0 {
                guard errno == EINTR else { throw LaunchFailure(reason: "could not wait: \(lastSystemError())") }
                continue
            }
            if events[0].revents != 0 { break }
            if events[1].revents != 0 {
                end = .stopped
                events[1].fd = -1
            } else if count == 0, let limit = watch.look(at: process, budget) {
                end = .exceeded(limit)
            }
            if end != nil { kill(process, SIGKILL) }
        }
        var status: CInt = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        Self.endRemainingChildren()
        if let end { return end }
        let code = commandStatus()
        let last = LookBudget(lifeline: lifeline, process: -1)
        if let limit = watch.lookBack(succeeded: code == 0, last) { return .exceeded(limit) }
        if let failure = ConfineFailure(parsing: Self.readPipe(failurePipe)) {
            throw LaunchFailure(
                reason: "could not \(failure.step.purpose): \(String(cString: strerror(failure.error)))")
        }
        guard let code else {
            throw LaunchFailure(reason: "bubblewrap ended with status \((status >> 8) & 0xFF) before the command ran")
        }
        return report(code)
    }

    /// Kills and reaps what bubblewrap has left.
    ///
    /// That is the first process of the namespace, an orphan and therefore ours; the kernel lets it be reaped only when all
    /// others of the namespace are gone. Bubblewrap asks for its death itself, but not from its first instruction on.
    private static func endRemainingChildren() {
        var status: CInt = 0
        while true {
            let ended = waitpid(-1, &status, WNOHANG)
            if ended > 0 || (ended < 0 && errno == EINTR) { continue }
            if ended < 0 { return }
            for child in CommandProcesses.children(of: getpid()) { kill(child, SIGKILL) }
            _ = waitpid(-1, &status, 0)
        }
    }

    /// The command's status out of bubblewrap's JSON lines; nil when it was never executed.
    private func commandStatus() -> Int32? {
        let text = String(decoding: Self.readPipe(statusPipe), as: UTF8.self)
        guard let key = text.utf8.firstRange(of: "\"exit-code\":".utf8) else { return nil }
        let digits = text.utf8[key.upperBound...].drop { $0 == 0x20 }.prefix { (0x30...0x39).contains($0) }
        return String(digits).flatMap { Int32($0) }
    }

    /// What was written to a pipe that nobody writes to any more.
    private static func readPipe(_ pipe: CInt) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1024)
        while bytes.count < 16_384 {
            let count = read(pipe, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += block[..<count]
        }
        return bytes
    }

    private func report(_ status: Int32) -> LauncherReport {
        var usage = rusage()
        getrusage(RUSAGE_CHILDREN.rawValue, &usage)
        let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
        return .ended(
            status: status, processorMicroseconds: seconds * 1_000_000 + Int(microseconds),
            peakMemoryKibibytes: usage.ru_maxrss)
    }
}
