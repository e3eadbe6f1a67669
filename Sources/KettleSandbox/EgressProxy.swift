import NIOCore
import NIOPosix
import Synchronization

/// The way out of one command: a SOCKS5 proxy for the endpoints of a policy.
///
/// Shared by the connections of the command, which may be on several event loops, and the run that owns it. Both sides of a
/// connection are on one loop.
final class EgressProxy: Sendable {
    /// How many refused places are remembered.
    private static let refusedLimit = 16
    /// How many addresses of a host are tried.
    private static let addressLimit = 8

    private struct State {
        var isClosed = false
        /// Both sides of all connections.
        var channels: [ObjectIdentifier: any Channel] = [:]
        var connections = 0
        var lookups: [EgressEndpoint: EventLoopFuture<[InternetAddress]>] = [:]
        var refused: [String] = []
        var receivedBytes = 0
        var sentBytes = 0
    }

    /// Which way bytes go, seen from the command.
    enum Direction {
        case sent
        case received
    }

    let policy: EgressPolicy
    private let group: any EventLoopGroup
    private let threads: NIOThreadPool
    private let state = Mutex(State())

    init(
        _ policy: EgressPolicy, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        threads: NIOThreadPool = .singleton
    ) {
        self.policy = policy
        self.group = group
        self.threads = threads
    }

    /// The first places that the command asked for and that are not allowed, as `host:port`, each once.
    var refused: [String] { state.withLock { $0.refused } }

    /// Accepts connections until the task is cancelled, and returns when all of them are closed.
    ///
    /// - Parameters:
    ///   - socket: Listening; it is closed.
    ///   - onLimit: Told the number of bytes when a limit on them is reached.
    func serve(_ socket: CInt, onLimit: @escaping @Sendable (Int) -> Void) async throws {
        let server = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try self.admitClient(channel)
                    try self.addHandshake(to: channel, onLimit: onLimit)
                }
            }
            .withBoundSocket(socket).get()
        await withTaskCancellationHandler {
            try? await server.closeFuture.get()
        } onCancel: {
            server.close(promise: nil)
        }
        await closeAll()
    }

    // MARK: - Connections

    private func admitClient(_ channel: any Channel) throws {
        let isFree = state.withLock { state in
            guard state.connections < policy.limits.connections else { return false }
            state.connections += 1
            return true
        }
        guard isFree else { throw EgressRefusal.notAllowed }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.connections -= 1 } }
        try admit(channel)
    }

    /// Keeps a channel, to close it with the others.
    private func admit(_ channel: any Channel) throws {
        let key = ObjectIdentifier(channel)
        let isOpen = state.withLock { state in
            if !state.isClosed { state.channels[key] = channel }
            return !state.isClosed
        }
        guard isOpen else { throw ChannelError.alreadyClosed }
        channel.closeFuture.whenComplete { _ in self.state.withLock { _ = $0.channels.removeValue(forKey: key) } }
    }

    private func closeAll() async {
        let channels = state.withLock { state in
            state.isClosed = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
        for channel in channels { try? await channel.closeFuture.get() }
    }

    /// Connects to a place if it is allowed.
    func connect(host: String, port: Int, on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        guard let endpoint = policy.endpoint(host: host, port: port) else {
            note(EgressEndpoint.name(host: host, port: port))
            return loop.makeFailedFuture(EgressRefusal.notAllowed)
        }
        return addresses(of: endpoint).hop(to: loop).flatMap { addresses in
            self.connect(addresses.prefix(Self.addressLimit), port: port, on: loop)
        }
    }

    private func connect(
        _ addresses: ArraySlice<InternetAddress>, port: Int, on loop: any EventLoop
    ) -> EventLoopFuture<any Channel> {
        guard let bytes = addresses.first?.bytes,
            let address = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: port)
        else { return loop.makeFailedFuture(EgressRefusal.unknown) }
        let attempt = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(policy.limits.connect))
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try self.admit(channel) } }
            .connect(to: address)
        guard addresses.count > 1 else { return attempt }
        return attempt.flatMapError { _ in self.connect(addresses.dropFirst(), port: port, on: loop) }
    }

    /// Looks a name up once: for the rest of the run it keeps the addresses that were checked.
    private func addresses(of endpoint: EgressEndpoint) -> EventLoopFuture<[InternetAddress]> {
        state.withLock { state in
            if let lookup = state.lookups[endpoint] { return lookup }
            let lookup = threads.runIfActive(eventLoop: group.next()) { () throws -> [InternetAddress] in
                do throws(EgressRefusal) {
                    return try endpoint.resolve()
                } catch {
                    if error == .notAllowed { self.note(endpoint.name) }
                    throw error
                }
            }
            state.lookups[endpoint] = lookup
            return lookup
        }
    }

    private func note(_ name: String) {
        state.withLock { state in
            guard state.refused.count < Self.refusedLimit, !state.refused.contains(name) else { return }
            state.refused.append(name)
        }
    }

    // MARK: - Bytes

    /// Counts bytes of all connections together.
    ///
    /// - Returns: The limit, if they are more than it.
    func count(_ bytes: Int, _ direction: Direction) -> Int? {
        state.withLock { state in
            switch direction {
            case .sent:
                state.sentBytes += bytes
                return state.sentBytes > policy.limits.sentBytes ? policy.limits.sentBytes : nil
            case .received:
                state.receivedBytes += bytes
                return state.receivedBytes > policy.limits.receivedBytes ? policy.limits.receivedBytes : nil
            }
        }
    }
}
