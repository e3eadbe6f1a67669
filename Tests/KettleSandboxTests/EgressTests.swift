import Glibc
import Hummingbird
import KettleLauncher
import KettleSandbox
import KettleTesting
import NIOCore
import SystemPackage
import Testing

/// A command with a way out, its proxy and real servers.
@Suite(.enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"), .timeLimit(.minutes(15)))
struct EgressTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    private static let curl = "curl -sS --max-time 300"
    private static let proxied = "\(curl) --proxy \(EgressPolicy.proxyURL)"

    private static func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("hello") { _, _ in "hello" }
        router.get("large") { _, _ in ByteBuffer(repeating: 0x78, count: 3_000_000) }
        return router
    }

    private func allow(_ host: String, _ port: Int, limits: EgressLimits = EgressLimits()) -> SandboxNetwork {
        .egress(EgressPolicy([EgressEndpoint(host: host, port: port, addresses: .lookedUp)], limits: limits))
    }

    @Test(arguments: ["127.0.0.1", "localhost", "LocalHost"])
    func `an allowed server is reached through the proxy`(host: String) async throws {
        try await LoopbackServer.run(Self.router()) { port in
            let result = try await bench.run(
                "\(Self.proxied) http://\(host):\(port)/hello; \(Self.proxied) http://\(host):\(port)/large | wc -c",
                network: allow(host, port))
            #expect(result.stdout == "hello3000000\n", "\(result.stderr)")
            #expect(result.end.refusedEndpoints == [])
        }
    }

    @Test func `another port, another host and another name of the same host are refused and named`() async throws {
        let other = try LoopbackListener()
        defer { other.close() }
        try await LoopbackServer.run(Self.router()) { port in
            let result = try await bench.run(
                """
                for place in 127.0.0.1:\(other.port) localhost:\(port) kettle.invalid:\(port) '[::1]:\(port)' 127.0.0.2:\(port); do
                    \(Self.proxied) -g http://$place/hello && echo reached $place
                done
                \(Self.proxied) http://127.0.0.1:\(port)/hello
                """, network: allow("127.0.0.1", port))
            #expect(result.stdout == "hello")
            // 2: not allowed by ruleset.
            #expect(result.stderr.split(separator: "(2)", omittingEmptySubsequences: false).count == 6)
            #expect(
                result.end.refusedEndpoints == [
                    "127.0.0.1:\(other.port)", "localhost:\(port)", "kettle.invalid:\(port)", "[::1]:\(port)",
                    "127.0.0.2:\(port)",
                ])
        }
        #expect(other.connections == 0)
    }

    @Test func `nothing is reached past the proxy`() async throws {
        let listener = try LoopbackListener()
        defer { listener.close() }
        let (abstract, name) = try abstractListener()
        defer { close(abstract) }
        let result = try await bench.run(
            """
            tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '
            tail -n +2 /proc/net/route
            bash -c 'exec 3<>/dev/tcp/127.0.0.1/\(listener.port)' && echo connected to the loopback
            bash -c 'exec 3<>/dev/tcp/192.0.2.1/80' && echo had a route
            getent hosts example.com && echo resolved a name
            \(Self.curl) --abstract-unix-socket \(name) http://host/ && echo connected to an abstract socket
            grep \(name) /proc/net/unix && echo saw an abstract socket
            ip link set lo down 2>/dev/null && echo changed the interface
            ls /etc/resolv.conf && echo saw the resolver
            true
            """, network: allow("127.0.0.1", Int(listener.port)))
        #expect(result.stdout == "lo\n")
        #expect(listener.connections == 0)
        #expect(accept(abstract, nil, nil) < 0)
    }

    @Test func `an allowed name whose address is not public is refused where it must be`() async throws {
        try await LoopbackServer.run(Self.router()) { port in
            let endpoint = EgressEndpoint(host: "localhost", port: port, addresses: .lookedUpIfPublic)
            let result = try await bench.run(
                "\(Self.proxied) http://localhost:\(port)/hello", network: .egress(EgressPolicy([endpoint])))
            #expect(!result.end.succeeded)
            #expect(result.end.refusedEndpoints == ["localhost:\(port)"])
        }
    }

    @Test func `a pinned name has its pinned addresses, whatever it resolves to`() async throws {
        let address = try #require(InternetAddress("127.0.0.1"))
        try await LoopbackServer.run(Self.router()) { port in
            let endpoint = EgressEndpoint(host: "kettle.invalid", port: port, addresses: .pinned([address]))
            let result = try await bench.run(
                "\(Self.proxied) http://kettle.invalid:\(port)/hello", network: .egress(EgressPolicy([endpoint])))
            #expect(result.stdout == "hello", "\(result.stderr)")
        }
    }

    @Test func `bytes beyond the limit end the command`() async throws {
        try await LoopbackServer.run(Self.router()) { port in
            _ = await #expect(throws: SandboxError.limitExceeded(limit: .network, value: "1000000 bytes")) {
                try await bench.run(
                    "\(Self.proxied) http://127.0.0.1:\(port)/large | wc -c; sleep 100",
                    network: allow("127.0.0.1", port, limits: EgressLimits(receivedBytes: 1_000_000)))
            }
        }
    }

    @Test func `certificates are there with a way out`() async throws {
        let result = try await bench.run("ls -d /etc/ssl/certs", network: .egress(EgressPolicy([])))
        #expect(result.end.succeeded == (access("/etc/ssl/certs", F_OK) == 0))
    }

    /// A socket in the host's abstract namespace, and its name.
    private func abstractListener() throws -> (CInt, String) {
        let name = "kettle-test-\(UInt64.random(in: .min ... .max))"
        let descriptor = socket(
            AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        // sun_family and a path that begins with NUL (unix(7)).
        var address = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) } + [0] + Array(name.utf8)
        let length = socklen_t(address.count)
        let result = address.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { bind(descriptor, $0.baseAddress, length) }
        }
        guard result == 0, listen(descriptor, 1) == 0 else { throw Errno(rawValue: errno) }
        return (descriptor, name)
    }

    @Test func `where public hosts are allowed, a host that is not public is refused, and every other port`()
        async throws
    {
        try await LoopbackServer.run(Self.router()) { port in
            let result = try await bench.run(
                """
                for place in 127.0.0.1:443 10.0.0.1:443 '[::1]:443' localhost:443 169.254.169.254:443 192.0.2.1:80; do
                    \(Self.proxied) -g http://$place/hello && echo reached $place
                done
                \(Self.proxied) http://127.0.0.1:\(port)/hello
                """,
                network: .egress(
                    EgressPolicy(
                        [EgressEndpoint(host: "127.0.0.1", port: port, addresses: .lookedUp)],
                        allowsPublicHosts: true)))
            #expect(result.stdout == "hello")
            #expect(
                result.end.refusedEndpoints == [
                    "127.0.0.1:443", "10.0.0.1:443", "[::1]:443", "localhost:443", "169.254.169.254:443",
                    "192.0.2.1:80",
                ])
        }
    }
}
