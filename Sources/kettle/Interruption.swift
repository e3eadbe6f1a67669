import Foundation
import Glibc
import KettleClient
import Synchronization
import UnixSignals

/// What Ctrl-C means while a build runs elsewhere: a person is asked first, and a second one cancels the build on the service. Where
/// nobody can be asked, and with SIGTERM, the build is left to the service.
final class Interruption: Sendable {
    private struct State {
        var build: (id: String, service: ServiceConnection)?
        var wasAsked = false
        /// Cancels the build on the service, and says so.
        var cancelling: Task<Void, Never>?
    }

    private let state = Mutex(State())
    private let display: BuildDisplay

    init(_ display: BuildDisplay) {
        self.display = display
    }

    /// Whether the build was told to end on the service, so that how it ends is no news.
    var wasCancelled: Bool { state.withLock { $0.cancelling != nil } }

    /// Whether there is a person to ask, who sees the question and whose keys arrive.
    private var isAttended: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// The build that there is now something to decide about.
    func note(_ build: String, on service: ServiceConnection) {
        state.withLock { $0.build = (build, service) }
    }

    /// Runs `body` until it ends or is interrupted.
    ///
    /// - Throws: `CancellationError` where it was, and what `body` throws.
    func hold(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let work = Task { try await body() }
        let signals = Task {
            for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) { await take(signal, work) }
        }
        defer { signals.cancel() }
        let outcome = await work.result
        await state.withLock(\.cancelling)?.value
        try outcome.get()
    }

    private enum Answer {
        case ask, cancel, leave
    }

    private func take(_ signal: UnixSignal, _ work: Task<Void, any Error>) async {
        let answer = state.withLock { state -> Answer in
            guard signal == .sigint, let (build, service) = state.build, isAttended else { return .leave }
            guard state.wasAsked else {
                state.wasAsked = true
                return .ask
            }
            state.cancelling = state.cancelling ?? Task { await self.cancel(build, on: service, work) }
            return .cancel
        }
        switch answer {
        case .leave: work.cancel()
        case .cancel: break
        case .ask:
            display.interrupt()
            Terminal.warn(
                "kettle: the build goes on. Ctrl-C again cancels it on the service; Enter leaves it there, unwatched")
            // Reading blocks, and nobody may ever answer.
            Thread.detachNewThread { if readLine() != nil { work.cancel() } }
        }
    }

    private func cancel(_ build: String, on service: ServiceConnection, _ work: Task<Void, any Error>) async {
        display.end()
        do {
            _ = try await service.cancel(build)
            Terminal.warn("kettle: the build \(build) is cancelled")
        } catch {
            Terminal.warn(
                "kettle: the build \(build) could not be cancelled: \((error as? ServiceError)?.message ?? "\(error)")")
        }
        work.cancel()
    }
}
