import Glibc
import ServiceLifecycle

/// Tells the program that started the service how far it is, as systemd wants to hear it (sd_notify(3)): datagrams to the socket
/// that `NOTIFY_SOCKET` names. Where there is none, nobody is told.
struct ServiceManager: Sendable {
    private let address: (value: sockaddr_un, length: socklen_t)?

    init(_ environment: [String: String]) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@") else {
            address = nil
            return
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A name that begins with @ is in the abstract namespace, where a zero byte stands in its place (unix(7)).
        let bytes = path.hasPrefix("@") ? [0] + path.utf8.dropFirst() : Array(path.utf8)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard bytes.count < room.count else { return false }
            room.copyBytes(from: bytes)
            return true
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        self.address = fits ? (address, length) : nil
    }

    /// Requests are taken.
    func ready() { tell("READY=1\n") }

    /// No more are taken, and the running ones are ended.
    func stopping() { tell("STOPPING=1\n") }

    /// Who cannot be told is not told: the service does the same either way.
    private func tell(_ text: String) {
        guard let (value, length) = address else { return }
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        let bytes = Array(text.utf8)
        withUnsafePointer(to: value) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = sendto(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL), pointer, length)
            }
        }
    }
}

/// Tells the service manager when the service begins to stop.
struct StoppingNotice: Service {
    let manager: ServiceManager

    func run() async throws {
        try await gracefulShutdown()
        manager.stopping()
    }
}
