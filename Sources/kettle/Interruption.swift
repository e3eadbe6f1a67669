import Foundation
import Glibc
import KettleClient
import KettleVerify
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
        /// Whether the service said that it is cancelled.
        var isCancelled = false
    }

    /// How long a service may take to cancel a build.
    private static let patience = Duration.seconds(10)

    private let state = Mutex(State())
    private let display: BuildDisplay

    init(_ display: BuildDisplay) {
        self.display = display
    }

    /// Whether the person wants no more of the build, so that how it ends is no news.
    var isUnwanted: Bool { state.withLock { $0.cancelling != nil } }
    /// Whether the build does not go on at the service.
    var isCancelled: Bool { state.withLock(\.isCancelled) }

    /// Whether there is a person to ask, who sees the question and whose keys arrive.
    private var isAttended: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// The build that there is now something to decide about.
    func note(_ build: String, on service: ServiceConnection) {
        state.withLock { $0.build = (build, service) }
    }

    /// There is nothing to decide any more: the build has ended.
    func forget() {
        state.withLock { $0.build = nil }
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
            if let cancelling = state.cancelling {
                // Whoever asks once more does not want to wait.
                cancelling.cancel()
                return .leave
            }
            guard signal == .sigint, let (build, service) = state.build, isAttended else { return .leave }
            guard state.wasAsked else {
                state.wasAsked = true
                return .ask
            }
            state.cancelling = Task { await self.cancel(build, on: service, work) }
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
        display.end(mark: .failed)
        let request = Task { try await service.cancel(build) }
        let limit = Task {
            try? await Task.sleep(for: Self.patience)
            request.cancel()
        }
        defer { limit.cancel() }
        do {
            _ = try await withTaskCancellationHandler {
                try await request.value
            } onCancel: {
                request.cancel()
            }
            state.withLock { $0.isCancelled = true }
            Terminal.warn("kettle: the build \(build) is cancelled")
        } catch {
            let reason = (error as? ServiceError)?.message ?? "the service did not answer in time"
            Terminal.warn("kettle: the build \(build) could not be cancelled: \(Finding.printable(reason))")
        }
        work.cancel()
    }
}
