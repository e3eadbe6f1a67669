import CLinux
import Glibc

/// The network of a command that has a way out: loopback alone, and on it one port at which Kettle listens.
///
/// A socket belongs to the namespace it was made in, whoever holds it. So the launcher makes the listening socket in the
/// command's namespace and hands it to the server, which accepts on it from outside. There is no route, interface or
/// packet between the two networks.
enum LauncherEgress {
    /// The backlog: connections that wait until the server accepts.
    private static let waiting: CInt = 64

    /// Moves the launcher, and so everything it starts, into a network namespace of its own.
    ///
    /// As root it is the host's, over which bubblewrap's user namespace has no power: the command cannot change a setting of
    /// it. Otherwise it belongs to a user namespace between the host's and bubblewrap's.
    ///
    /// - Parameter lifeline: Where the listening socket is sent. This process keeps none.
    static func open(sendingTo lifeline: CInt) throws(LaunchFailure) {
        let (user, group) = (geteuid(), getegid())
        let isRoot = user == 0
        try must(linux_unshare_network(isRoot ? 0 : 1), "make a network namespace")
        if !isRoot {
            // The same numbers inside: bubblewrap, which makes the next namespace, refuses to be handed capabilities.
            try fill("/proc/self/setgroups", with: "deny")
            try fill("/proc/self/uid_map", with: "\(user) \(user) 1")
            try fill("/proc/self/gid_map", with: "\(group) \(group) 1")
        }
        try must(linux_raise_loopback(), "turn on the loopback")
        let listener = try must(linux_listen_on_loopback(InsideSandbox.proxyPort, waiting), "take the proxy's port")
        defer { close(listener) }
        try must(linux_send_descriptor(lifeline, listener), "hand over the proxy's port")
    }

    private static func fill(_ path: String, with text: String) throws(LaunchFailure) {
        guard ProcFile.write(text, to: path) else {
            throw LaunchFailure(reason: "could not set up a user namespace: \(lastSystemError())")
        }
    }
}
