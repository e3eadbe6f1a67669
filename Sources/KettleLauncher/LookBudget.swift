import CLinux
import Glibc

/// How much one look at a command may take: what it looks at is made by the command, which may make a great deal.
struct LookBudget {
    /// More files, descriptors or processes than a command may have that keeps its limits.
    private static let most = 2_000_000
    /// Between two looks at whether there is something better to do.
    private static let stride = 1024

    /// The launcher's lifeline and the descriptor of bubblewrap's process: when either is ready the look is of no use.
    private let events: [CInt]
    private var steps = 0
    /// Whether there was too much to look through.
    private(set) var isSpent = false

    init(lifeline: CInt, process: CInt) { events = [lifeline, process] }

    /// Counts one thing that is looked at.
    ///
    /// - Returns: Whether to go on.
    mutating func spend() -> Bool {
        steps += 1
        if steps > Self.most { isSpent = true }
        guard !isSpent, steps % Self.stride == 0 else { return !isSpent }
        var ready = events.map { pollfd(fd: $0, events: Int16(POLLIN) | linux_peer_hung_up(), revents: 0) }
        return poll(&ready, nfds_t(ready.count), 0) <= 0
    }
}
