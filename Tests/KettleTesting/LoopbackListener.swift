import Glibc
import Synchronization
import SystemPackage

/// A port of the loopback that notices who connects.
package struct LoopbackListener: Sendable {
    private let descriptor: CInt
    package let port: UInt16

    /// - Parameter wanted: The port; 0 for one that is free.
    package init(port wanted: UInt16 = 0) throws {
        let socket = Glibc.socket(
            AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = wanted.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> CInt in
                guard bind(socket, address, length) == 0, listen(socket, 64) == 0 else { return -1 }
                return getsockname(socket, address, &length)
            }
        }
        guard result == 0 else {
            defer { Glibc.close(socket) }
            throw Errno(rawValue: errno)
        }
        descriptor = socket
        port = UInt16(bigEndian: address.sin_port)
    }

    /// How many have connected since this was asked last.
    package var connections: Int {
        var count = 0
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { return count }
            Glibc.close(connection)
            count += 1
        }
    }

    package func close() { Glibc.close(descriptor) }

    private static let pairs = Mutex<Set<UInt16>>([])

    /// The first of two free ports, one after the other, which no other test of this process gets.
    ///
    /// They lie below those that Linux gives to outgoing connections, one of which could take them before they are used.
    package static func freePair() -> UInt16 {
        while true {
            let port = UInt16.random(in: 5_000..<16_000) * 2
            guard pairs.withLock({ $0.insert(port).inserted }),
                let first = try? LoopbackListener(port: port)
            else { continue }
            defer { first.close() }
            guard let second = try? LoopbackListener(port: port + 1) else { continue }
            second.close()
            return port
        }
    }

    /// Whether somebody listens at a port of the loopback.
    package static func isTaken(_ port: UInt16) -> Bool {
        let socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { Glibc.close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = port.bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                connect(socket, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
