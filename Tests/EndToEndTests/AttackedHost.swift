import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import Synchronization
import SystemPackage

/// What an attack would find outside, if it got there: listeners, files, processes.
final class AttackedHost: Sendable {
    private let marks = Mutex("")
    private let scratch: ScratchFolder
    private let listener: LoopbackListener
    private let listenerOfIPv6: CInt
    private let datagrams: CInt
    private let unixSocket: CInt
    private let abstractSocket: CInt
    private let digests = Mutex<[String: ContentDigest]>([:])

    private var secret: FilePath { scratch.path.appending("secret") }
    private var unixPath: String { scratch.path.appending("socket").string }
    private var abstractName: String { "kettle-test-\(listener.port)" }

    /// Every process that an attack leaves has it among its arguments.
    var mark: String { marks.withLock { $0 } }

    func changeMark() { marks.withLock { $0 = String(UInt64.random(in: 1_000_000_000...9_999_999_999)) } }

    init() throws {
        scratch = try ScratchFolder()
        listener = try LoopbackListener()
        listenerOfIPv6 = try Self.socket(AF_INET6, SOCK_STREAM)
        datagrams = try Self.socket(AF_INET, SOCK_DGRAM)
        unixSocket = try Self.socket(AF_UNIX, SOCK_STREAM)
        abstractSocket = try Self.socket(AF_UNIX, SOCK_STREAM)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        try bind(datagrams, &address, MemoryLayout<sockaddr_in>.size)
        var addressOfIPv6 = sockaddr_in6()
        addressOfIPv6.sin6_family = sa_family_t(AF_INET6)
        addressOfIPv6.sin6_port = listener.port.bigEndian
        addressOfIPv6.sin6_addr = in6addr_loopback
        try bind(listenerOfIPv6, &addressOfIPv6, MemoryLayout<sockaddr_in6>.size)
        var (path, pathLength) = Self.address(unixPath, isAbstract: false)
        try bind(unixSocket, &path, pathLength)
        var (name, nameLength) = Self.address(abstractName, isAbstract: true)
        try bind(abstractSocket, &name, nameLength)
        guard [listenerOfIPv6, unixSocket, abstractSocket].allSatisfy({ listen($0, 8) == 0 }) else {
            throw Errno(rawValue: errno)
        }
        chmod(unixPath, 0o777)
        try Data("secret of the host\n".utf8).write(to: URL(filePath: secret.string))
    }

    private static func socket(_ family: CInt, _ type: __socket_type) throws -> CInt {
        let flags = type.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let socket = Glibc.socket(family, CInt(flags), 0)
        guard socket >= 0 else { throw Errno(rawValue: errno) }
        return socket
    }

    private func bind<Address>(_ socket: CInt, _ address: inout Address, _ length: Int) throws {
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(socket, $0, socklen_t(length)) }
        }
        guard result == 0 else { throw Errno(rawValue: errno) }
    }

    private static func address(_ name: String, isAbstract: Bool) -> (sockaddr_un, Int) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = (isAbstract ? [0] : []) + Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes.prefix($0.count - 1)) }
        return (address, 2 + bytes.count + (isAbstract ? 0 : 1))
    }

    private var datagramPort: UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(datagrams, $0, &length) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    /// Puts a crate into the cache, and remembers what the files are that nobody may change.
    func prepare(_ service: Service) throws {
        let crate = Self.crate(service)
        if !FileManager.default.fileExists(atPath: crate.string) {
            try FileManager.default.createDirectory(
                atPath: crate.removingLastComponent().string, withIntermediateDirectories: true)
            try Data("crate".utf8).write(to: URL(filePath: crate.string))
        }
        digests.withLock { $0 = [:] }
        for path in [secret.string, service.dataFolder.appending("software-key.pem").string, crate.string] {
            digests.withLock { $0[path] = Self.digest(path) }
        }
    }

    private static func crate(_ service: Service) -> FilePath {
        service.dataFolder.appending(FilePath("cache/crates/00/00000000").components)
    }

    private static func digest(_ path: String) -> ContentDigest? {
        FileManager.default.contents(atPath: path).map { ContentDigest(of: Array($0)) }
    }

    func filesAreUnchanged() throws -> Bool {
        digests.withLock { digests in digests.allSatisfy { Self.digest($0.key) == $0.value } }
    }

    func facts(_ service: Service, otherBuild: String?) -> [String: String] {
        let data = service.dataFolder
        return [
            "TCP_PORT": "\(listener.port)", "UDP_PORT": "\(datagramPort)", "UNIX_PATH": unixPath,
            "ABSTRACT_NAME": abstractName, "SERVER_PID": "\(service.processID)", "SECRET": secret.string,
            "DATA_FOLDER": data.string, "KEY": data.appending("software-key.pem").string,
            "DATABASE": data.appending("kettle.db").string, "CACHE": data.appending("cache").string,
            "CACHED_CRATE": Self.crate(service).string, "MARK": mark,
            "OTHER_WORKSPACE": data.appending("work").appending(otherBuild ?? "none").string,
        ]
    }

    /// How many have reached one of the listeners since this was asked last.
    var connections: Int {
        var count = listener.connections
        var block = [UInt8](repeating: 0, count: 64)
        while recv(datagrams, &block, block.count, 0) >= 0 { count += 1 }
        for socket in [listenerOfIPv6, unixSocket, abstractSocket] {
            while true {
                let connection = accept(socket, nil, nil)
                guard connection >= 0 else { break }
                Glibc.close(connection)
                count += 1
            }
        }
        return count
    }

    func close() {
        listener.close()
        for socket in [listenerOfIPv6, datagrams, unixSocket, abstractSocket] { Glibc.close(socket) }
    }
}
