import Glibc
import SystemPackage

/// A port of the loopback that notices who connects.
package struct LoopbackListener: Sendable {
    private let descriptor: CInt
    package let port: UInt16

    package init() throws {
        let socket = Glibc.socket(
            AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> CInt in
                guard bind(socket, address, length) == 0, listen(socket, 64) == 0 else { return -1 }
                return getsockname(socket, address, &length)
            }
        }
        guard result == 0 else { throw Errno(rawValue: errno) }
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
}
