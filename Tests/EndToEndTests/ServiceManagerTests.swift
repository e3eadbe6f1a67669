import Foundation
import Glibc
import KettleTesting
import Subprocess
import SystemPackage
import Testing

extension EndToEnd {
    /// What a service owes the program that starts it.
    @Suite struct ServiceManagerTests {
        /// A socket as systemd listens on.
        private final class Listener: Sendable {
            private let socket: CInt

            /// - Parameter name: A path, or a name in the abstract namespace after `@`.
            init(_ name: String) throws {
                socket = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
                var patience = timeval(tv_sec: 30, tv_usec: 0)
                setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
                var address = sockaddr_un()
                address.sun_family = sa_family_t(AF_UNIX)
                let bytes = name.hasPrefix("@") ? [0] + name.utf8.dropFirst() : Array(name.utf8)
                withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
                let bound = withUnsafePointer(to: address) { pointer in
                    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        bind(socket, $0, socklen_t(MemoryLayout<sa_family_t>.size + bytes.count))
                    }
                }
                try #require(bound == 0)
            }

            deinit { close(socket) }

            func next() -> String {
                var buffer = [UInt8](repeating: 0, count: 1024)
                let count = recv(socket, &buffer, buffer.count, 0)
                return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            }
        }

        @Test(arguments: ["path", "abstract"])
        func `systemd is told when requests are taken and when no more are`(kind: String) async throws {
            let scratch = try ScratchFolder()
            let name = kind == "path" ? scratch.path.appending("notify").string : "@kettle-test-\(UUID().uuidString)"
            let listener = try Listener(name)
            try await Service.run(environment: ["NOTIFY_SOCKET": name]) { service in
                #expect(listener.next() == "READY=1\n")
                let status = try await service.get("/health").status
                #expect(status == 200)
            }
            #expect(listener.next() == "STOPPING=1\n")
        }

        @Test func `a service takes the descriptors that it may have`() async throws {
            let scratch = try ScratchFolder()
            let script = """
                ulimit -S -n 256
                "$0" serve --port 0 --data-dir "$1/data" >"$1/out" 2>/dev/null &
                until grep -q listens "$1/out"; do kill -0 $! || exit 9; sleep 0.05; done
                ulimit -H -n
                sed -n 's/^Max open files *\\([0-9]*\\) .*/\\1/p' /proc/$!/limits
                kill $!
                wait $!
                """
            let ended = try await Command.run(
                "bash", ["-c", script, KettleExecutable.path.string, scratch.path.string])
            let lines = ended.output.split(separator: "\n").compactMap { Int($0) }
            try #require(lines.count == 2, "\(ended.everything)")
            #expect(lines[0] > 256)
            #expect(lines[1] == min(lines[0], 1 << 20))
        }
    }
}
