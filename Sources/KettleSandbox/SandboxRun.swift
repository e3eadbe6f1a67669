import Glibc
import KettleLauncher
import NIOPosix
import Subprocess
import Synchronization
import SystemPackage

/// One command under way: the channel to its launcher, its output, and what ended it if it did not end by itself.
///
/// Shared by the task that supervises the launcher, the two that drain the output, the timer and the canceller.
final class SandboxRun: Sendable {
    /// Why a command was ended before its time.
    enum Stop {
        case cancelled
        case limit(SandboxLimit, String)
        case failure(any Error)

        var error: any Error {
            switch self {
            case .cancelled: CancellationError()
            case .limit(let limit, let value): SandboxError.limitExceeded(limit: limit, value: value)
            case .failure(let error): error
            }
        }
    }

    private struct State {
        var stop: Stop?
        var outputBytes = 0
        var outputLines = 0
    }

    private let state = Mutex(State())
    private let channel: LauncherChannel
    private let limits: SandboxLimits
    private let output: @Sendable (OutputStream, UnsafeRawBufferPointer) async throws -> Void
    private let turnstile = Turnstile()
    private let proxy: EgressProxy?
    private let group: ControlGroup?

    init(
        request: LauncherRequest, limits: SandboxLimits, egress: EgressPolicy?, group: ControlGroup?,
        output: @escaping @Sendable (OutputStream, UnsafeRawBufferPointer) async throws -> Void
    ) throws(SandboxError) {
        channel = try LauncherChannel(sending: request.encoded())
        self.limits = limits
        self.output = output
        proxy = egress.map { EgressProxy($0) }
        self.group = group
    }

    /// Ends the command. The first reason counts.
    func stop(_ reason: Stop) {
        state.withLock { state in
            guard state.stop == nil else { return }
            state.stop = reason
        }
        channel.hangUp()
    }

    /// Starts the launcher and returns once it, and with it every process of the command, has ended.
    func supervise(launcher: FilePath) async throws -> CommandEnd {
        var options = PlatformOptions()
        options.createSession = true
        do {
            _ = try await Subprocess.run(
                .path(launcher), arguments: [SandboxLauncher.argument],
                environment: .custom([Environment.Key: String]()), workingDirectory: "/", platformOptions: options,
                input: .fileDescriptor(channel.takeLauncherEnd(), closeAfterSpawningProcess: true),
                output: .sequence, error: .sequence
            ) { execution in
                await self.follow(execution.standardOutput, execution.standardError)
            }
        } catch let error as SubprocessError {
            throw error.code == .spawnFailed || error.code == .executableNotFound
                ? SandboxError.confinerMissing : SandboxError.setupFailed(reason: "the launcher could not be followed")
        }
        if let stop = state.withLock({ $0.stop }) { throw stop.error }
        guard let report = LauncherReport(parsing: channel.receive()) else {
            // The launcher itself is in the group.
            throw group?.ranOutOfMemory == true ? SandboxError.exceeded(.memory, of: limits) : .launcherLost
        }
        var end = try report.end(within: limits)
        end.refusedEndpoints = proxy?.refused ?? []
        return end
    }

    /// Drains both streams side by side until the launcher has closed them or the command is being ended.
    private func follow(
        _ standardOutput: SubprocessOutputSequence, _ standardError: SubprocessOutputSequence
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await Self.sleep(for: self.limits.wallClock) } catch { return }
                self.stop(self.reached(.wallClock))
            }
            if let proxy { group.addTask { await self.serve(proxy) } }
            await withTaskGroup(of: Void.self) { drains in
                drains.addTask { await self.drain(standardOutput, .stdout) }
                drains.addTask { await self.drain(standardError, .stderr) }
            }
            group.cancelAll()
        }
    }

    /// In short pieces: the timer of a sleep that is cancelled is kept until the time that it was set for, which after many short
    /// commands of a long limit is memory.
    private static func sleep(for limit: Duration) async throws {
        let end = ContinuousClock.now + limit
        while true {
            let rest = ContinuousClock.now.duration(to: end)
            guard rest > .zero else { return }
            try await Task.sleep(for: min(rest, .seconds(20)))
        }
    }

    /// Lets the command out through the proxy until the task is cancelled.
    private func serve(_ proxy: EgressProxy) async {
        do {
            // Waits for as long as the launcher takes to begin, and no longer than it lives.
            guard let socket = try await NIOThreadPool.singleton.runIfActive({ self.channel.receiveSocket() }) else {
                return
            }
            try await proxy.serve(socket) { self.stop(.limit(.network, "\($0) bytes")) }
        } catch is CancellationError {
            // The command has ended already.
        } catch {
            stop(.failure(SandboxError.setupFailed(reason: "the proxy could not be started")))
        }
    }

    private func drain(_ sequence: SubprocessOutputSequence, _ stream: OutputStream) async {
        // The receiver may wait in the middle of a piece, so the piece must outlive a closure over it.
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { block.deallocate() }
        do {
            for try await buffer in sequence {
                var offset = 0
                while offset < buffer.count {
                    let count = min(block.count, buffer.count - offset)
                    buffer.withUnsafeBytes {
                        block.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
                    }
                    offset += count
                    guard try await deliver(UnsafeRawBufferPointer(rebasing: block[..<count]), stream) else { return }
                }
            }
        } catch {
            stop(.failure(error))
        }
    }

    private func reached(_ limit: SandboxLimit) -> Stop { .limit(limit, limits.text(of: limit) ?? "") }

    private static func lineFeeds(in piece: Slice<UnsafeRawBufferPointer>) -> Int {
        var rest = UnsafeRawBufferPointer(rebasing: piece)
        var count = 0
        while let start = rest.baseAddress, let found = memchr(start, 0x0A, rest.count) {
            count += 1
            rest = UnsafeRawBufferPointer(rebasing: rest[(UnsafeRawPointer(found) - start + 1)...])
        }
        return count
    }

    /// Hands a piece on, unless the command is being ended.
    private func deliver(_ piece: UnsafeRawBufferPointer, _ stream: OutputStream) async throws -> Bool {
        await turnstile.enter()
        defer { turnstile.leave() }
        let (allowed, lines, isStopped) = state.withLock { state in
            let allowed = min(piece.count, max(0, limits.outputBytes - state.outputBytes))
            state.outputBytes += allowed
            if limits.outputLines < .max { state.outputLines += Self.lineFeeds(in: piece.prefix(allowed)) }
            return (allowed, state.outputLines, state.stop != nil)
        }
        if isStopped { return false }
        guard lines <= limits.outputLines else {
            stop(reached(.outputLines))
            return false
        }
        if allowed > 0 { try await output(stream, UnsafeRawBufferPointer(rebasing: piece[..<allowed])) }
        guard allowed == piece.count else {
            stop(reached(.outputBytes))
            return false
        }
        return true
    }
}

/// Lets the two drains through one at a time.
private final class Turnstile: Sendable {
    private struct State {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.isTaken { state.waiting.append(continuation) }
                defer { state.isTaken = true }
                return !state.isTaken
            }
            if isFree { continuation.resume() }
        }
    }

    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
