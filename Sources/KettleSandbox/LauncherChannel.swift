import CLinux
import Glibc
import KettleLauncher
import Synchronization
import SystemPackage

/// The socket between a run and its launcher, which is the launcher's standard input.
///
/// The request goes one way and the report the other. It is also the launcher's lifeline: when this side is gone, because
/// the run was ended or because Kettle itself was killed, the launcher ends the command.
final class LauncherChannel: Sendable {
    private struct Ends {
        var ours: CInt
        /// -1 once the launcher has it.
        var launchers: CInt
    }

    private let ends: Mutex<Ends>

    /// - Throws: ``SandboxError/invalidCommand(reason:)`` when the request is longer than a launcher reads.
    init(sending request: [UInt8]) throws(SandboxError) {
        guard request.count <= LauncherRequest.limitInBytes else {
            throw .invalidCommand(reason: "its arguments, environment and mounts are too long")
        }
        var pair: [CInt] = [-1, -1]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw .setupFailed(reason: "no socket for the launcher: \(lastSystemError())")
        }
        ends = Mutex(Ends(ours: pair[0], launchers: pair[1]))
        // A fresh socket's buffer holds a request of the greatest length, so this does not wait.
        let sent = send(pair[0], request, request.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
        guard sent == request.count else {
            throw .setupFailed(reason: "the request did not fit into the launcher's socket")
        }
    }

    deinit {
        ends.withLock { ends in
            close(ends.ours)
            if ends.launchers >= 0 { close(ends.launchers) }
        }
    }

    /// The launcher's end, for the spawn to pass on and to close.
    func takeLauncherEnd() -> FileDescriptor {
        ends.withLock { ends in
            defer { ends.launchers = -1 }
            return FileDescriptor(rawValue: ends.launchers)
        }
    }

    /// Tells the launcher to end the command. It can still report.
    func hangUp() {
        ends.withLock { _ = shutdown($0.ours, CInt(SHUT_WR)) }
    }

    /// Waits until the launcher has sent a listening socket or has ended. Blocks.
    ///
    /// - Returns: nil when it ended without.
    func receiveSocket() -> CInt? {
        let socket = linux_receive_descriptor(ends.withLock { $0.ours })
        return socket >= 0 ? socket : nil
    }

    /// What the launcher, which has ended, left behind.
    func receive() -> [UInt8] {
        let ours = ends.withLock { $0.ours }
        var report: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 8192)
        while report.count < LauncherReport.limitInBytes {
            let count = recv(ours, &block, block.count, CInt(MSG_DONTWAIT))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            report += block[..<count]
        }
        // A socket that nobody took came with a zero byte.
        return Array(report.drop { $0 == 0 })
    }
}
