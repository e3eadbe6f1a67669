import Glibc
import KettleLauncher
import KettleSandbox
import KettleTesting
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// What the proxy does with clients that are not curl. They are written in Perl, which git brings along.
@Suite(
    .enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"),
    .enabled(if: access("/usr/bin/perl", X_OK) == 0, "needs perl"), .timeLimit(.minutes(15)))
struct EgressProtocolTests {
    let bench: Bench

    init() throws { bench = try Bench() }

    /// Connects to the proxy, and asks it for a port of 127.0.0.1 by name.
    private static func client(_ port: Int, _ script: String) -> String {
        """
        cat > /tmp/client <<'PERL'
        use IO::Socket::INET; use Time::HiRes 'time';
        $SIG{PIPE} = 'IGNORE'; $SIG{ALRM} = sub { print "still open\\n"; exit }; alarm 300; $| = 1;
        sub proxy { IO::Socket::INET->new('127.0.0.1:1080') or die "no proxy" }
        sub get { my ($s, $n) = @_; my $b = ''; while (length $b < $n) { sysread($s, $b, $n - length $b, length $b) or last } unpack 'H*', $b }
        sub rest { my $s = shift; my $n = 0; while (my $c = sysread($s, my $b, 65536)) { $n += $c } $n }
        my $greeting = "\\5\\1\\0"; my $request = "\\5\\1\\0\\3\\x{09}127.0.0.1" . pack 'n', \(port);
        sub connected { my $s = proxy(); syswrite $s, $greeting; get($s, 2); syswrite $s, $request; get($s, 10) eq '05000001000000000000' or die "refused"; $s }
        \(script)
        PERL
        perl /tmp/client
        """
    }

    private func run(_ script: String, port: Int, limits: EgressLimits = EgressLimits()) async throws -> String {
        let endpoint = EgressEndpoint(host: "127.0.0.1", port: port, addresses: .lookedUp)
        let result = try await bench.run(
            Self.client(port, script), network: .egress(EgressPolicy([endpoint], limits: limits)))
        return result.stdout + result.stderr
    }

    @Test func `the end of what is sent is passed on, and the answer still arrives`() async throws {
        let server = try await CountingServer()
        let output = try await run(
            """
            my $s = connected();
            for (1..50) { my $b = 'x' x 100000; my $o = 0; while ($o < length $b) { $o += syswrite $s, $b, 100000, $o } }
            $s->shutdown(1);
            select undef, undef, undef, 0.3;
            print rest($s), "\\n";
            """, port: server.port)
        #expect(output == "\(CountingServer.answerInBytes)\n")
        #expect(server.received == 5_000_000)
        try await server.close()
    }

    @Test func `what a client sends before the answer is not lost`() async throws {
        let server = try await CountingServer()
        let output = try await run(
            """
            my $s = proxy(); syswrite $s, $greeting; get($s, 2); syswrite $s, $request . 'early';
            print get($s, 10), "\\n"; syswrite $s, 'late'; $s->shutdown(1); print rest($s), "\\n";
            """, port: server.port)
        #expect(output == "05000001000000000000\n\(CountingServer.answerInBytes)\n")
        #expect(server.received == 9)
        try await server.close()
    }

    @Test(arguments: [
        // Not SOCKS 5; a method with a password only; BIND; UDP; a kind of address that does not exist.
        ("syswrite $s, \"GET / HTTP/1.1\\r\\n\\r\\n\";", ""), ("syswrite $s, \"\\4\\1\\0\\x50\\x7f\\0\\0\\1\\0\";", ""),
        ("syswrite $s, \"\\5\\1\\2\";", "05ff"),
        (
            "syswrite $s, $greeting; get($s, 2); syswrite $s, \"\\5\\2\\0\\1\\x7f\\0\\0\\1\\0\\x50\";",
            "05070001000000000000"
        ),
        (
            "syswrite $s, $greeting; get($s, 2); syswrite $s, \"\\5\\3\\0\\1\\x7f\\0\\0\\1\\0\\x50\";",
            "05070001000000000000"
        ),
        ("syswrite $s, $greeting; get($s, 2); syswrite $s, \"\\5\\1\\0\\x{09}\\x7f\\0\\0\\1\\0\\x50\";", ""),
        ("syswrite $s, $greeting; get($s, 2); syswrite $s, \"\\5\\1\\0\\3\\0\\0\\x50\";", "05020001000000000000"),
        (
            "syswrite $s, $greeting; get($s, 2); syswrite $s, \"\\5\\1\\0\\3\\4\\xff\\0\\xfe\\n\\0\\x50\";",
            "05020001000000000000"
        ),
        ("$s->shutdown(1);", ""),
    ])
    func `what is not a plain request for a connection is answered and closed`(
        script: String, answer: String
    ) async throws {
        let output = try await run("my $s = proxy(); \(script) print get($s, 100), \"\\n\";", port: 1)
        #expect(output == answer + "\n")
    }

    @Test func `a client that says nothing, or goes silent, is closed`() async throws {
        let server = try await CountingServer()
        let output = try await run(
            """
            my $s = proxy(); print rest($s), " closed\\n";
            $s = connected(); syswrite $s, 'x'; print rest($s), " closed\\n";
            """, port: server.port, limits: EgressLimits(handshake: .seconds(3), idle: .milliseconds(300)))
        #expect(output == "0 closed\n0 closed\n")
        try await server.close()
    }

    @Test func `one connection more than allowed is closed, and there is room again when one ends`() async throws {
        let server = try await CountingServer()
        let output = try await run(
            """
            my @open = map { connected() } 1..2;
            my $s = proxy(); syswrite $s, $greeting; print get($s, 2), "\\n";
            $open[0]->shutdown(1); print rest($open[0]), "\\n"; close $open[0];
            for (1..1000) { $s = proxy(); syswrite $s, $greeting; last if get($s, 2); select undef, undef, undef, 0.05 }
            syswrite $s, $request; print get($s, 10), "\\n";
            """, port: server.port, limits: EgressLimits(connections: 2))
        #expect(output == "\n\(CountingServer.answerInBytes)\n05000001000000000000\n")
        try await server.close()
    }

    @Test func `more than may be sent ends the command`() async throws {
        let server = try await CountingServer()
        await #expect(throws: SandboxError.limitExceeded(limit: .network, value: "100000 bytes")) {
            try await run(
                "my $s = connected(); syswrite $s, 'x' x 50000 for 1..100; rest($s);", port: server.port,
                limits: EgressLimits(sentBytes: 100_000))
        }
        #expect(server.received <= 100_000)
        try await server.close()
    }

    @Test func `connections end with the command, however it ends`() async throws {
        let server = try await CountingServer()
        #expect(try await run("my $s = connected(); print 'done';", port: server.port) == "done")
        try await eventually { server.isIdle && server.accepted == 1 }
        let task = Task { try await run("my $s = connected(); rest($s);", port: server.port) }
        try await eventually { server.accepted == 2 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await eventually { server.isIdle }
        try await server.close()
    }
}

/// A server that counts what it receives and, when the client has ended its side, answers with some megabytes.
private final class CountingServer: Sendable {
    static let answerInBytes = 4_000_000

    private let counts = Mutex((received: 0, accepted: 0, open: 0))
    private let channel: any Channel
    let port: Int

    var received: Int { counts.withLock { $0.received } }
    var accepted: Int { counts.withLock { $0.accepted } }
    var isIdle: Bool { counts.withLock { $0.open == 0 } }

    init() async throws {
        let handler = Later()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let server = handler.server.withLock({ $0 }) else { throw ChannelError.alreadyClosed }
                    server.counts.withLock { ($0.accepted, $0.open) = ($0.accepted + 1, $0.open + 1) }
                    channel.closeFuture.whenComplete { _ in server.counts.withLock { $0.open -= 1 } }
                    try channel.pipeline.syncOperations.addHandler(Handler(server: server))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
        handler.server.withLock { $0 = self }
    }

    func close() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        let server: CountingServer

        init(server: CountingServer) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let count = unwrapInboundIn(data).readableBytes
            server.counts.withLock { $0.received += count }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .inputClosed? = event as? ChannelEvent else { return }
            let channel = context.channel
            let answer = ByteBuffer(repeating: 0x79, count: CountingServer.answerInBytes)
            context.writeAndFlush(wrapOutboundOut(answer)).whenComplete { _ in channel.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// A server that the bootstrap's closures find once it is made.
private final class Later: Sendable {
    let server = Mutex<CountingServer?>(nil)
}
