import Dispatch
import Glibc
import Metrics
import Synchronization

/// Lines on their way to standard error.
///
/// A line that is logged is put in a queue, and a thread of its own writes it: who logs never waits for who reads. When
/// standard error is read too slowly, at most ``limitInBytes`` wait; what comes after is dropped, counted in
/// `kettle_log_lines_dropped_total`, and a line says how many were lost once there is room again.
package final class LogWriter: Sendable {
    package static let limitInBytes = 4 << 20

    private let descriptor: CInt
    private let queue = DispatchQueue(label: "kettle.log")
    private let state = Mutex<(waiting: Int, dropped: Int)>((0, 0))

    package init(descriptor: CInt = STDERR_FILENO) {
        self.descriptor = descriptor
    }

    /// - Parameters:
    ///   - line: One line with its line break.
    ///   - notice: Makes the line that says how many were lost.
    func write(_ line: [UInt8], noticeOfLoss notice: (Int) -> [UInt8]) {
        let lost: Int? = state.withLock { state in
            guard state.waiting + line.count <= Self.limitInBytes else {
                state.dropped += 1
                return nil
            }
            state.waiting += line.count
            defer { state.dropped = 0 }
            return state.dropped
        }
        guard let lost else { return Counter(label: "kettle_log_lines_dropped_total").increment() }
        let lines = (lost > 0 ? notice(lost) : []) + line
        queue.async { [self] in
            Self.write(lines, to: descriptor)
            state.withLock { $0.waiting -= line.count }
        }
    }

    /// Waits until what was logged is written, but for two seconds at most.
    package func flush() {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + .seconds(2))
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt) {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if written < 0, errno == EAGAIN {
                    // Whoever shares the pipe may have made it non-blocking.
                    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&ready, 1, -1)
                } else if written == 0 || errno != EINTR {
                    return  // nobody reads any more
                }
            }
        }
    }
}
