import Glibc
import NIOCore
private import NIOSOCKS

extension EgressProxy {
    /// Has a fresh connection of the command speak SOCKS.
    func addHandshake(to channel: any Channel, onLimit: @escaping @Sendable (Int) -> Void) throws {
        try channel.pipeline.syncOperations.addHandlers(
            SOCKSServerHandshakeHandler(), EgressHandshake(proxy: self, onLimit: onLimit))
    }
}

/// What a command asks the proxy for, and the answer (RFC 1928): one CONNECT, without authentication.
///
/// When the connection stands, this handler and the one that reads SOCKS leave, and a pair of ``EgressPipe`` takes over.
private final class EgressHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ClientMessage
    typealias OutboundOut = ServerMessage

    private let proxy: EgressProxy
    private let onLimit: @Sendable (Int) -> Void
    private var timeout: Scheduled<Void>?
    /// Whether it is the client's turn.
    private var isReading = true
    private var isClosed = false

    init(proxy: EgressProxy, onLimit: @escaping @Sendable (Int) -> Void) {
        self.proxy = proxy
        self.onLimit = onLimit
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        timeout = context.eventLoop.scheduleTask(in: TimeAmount(proxy.policy.limits.handshake)) {
            channel.close(promise: nil)
        }
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        timeout?.cancel()
        context.fireChannelInactive()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isReading { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that says no more before it is connected wants nothing.
        if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
    }

    /// Not SOCKS, or out of turn.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The reader of SOCKS passes its buffer on as it leaves a closed channel: bytes, which unwrapping would trap on.
        guard !isClosed else { return }
        switch unwrapInboundIn(data) {
        case .greeting(let greeting):
            let isOpen = greeting.methods.contains(.noneRequired)
            let method = SelectedAuthenticationMethod(method: isOpen ? .noneRequired : .noneAcceptable)
            context.writeAndFlush(wrapOutboundOut(.selectedAuthenticationMethod(method)), promise: nil)
            if !isOpen { context.close(promise: nil) }
        case .request(let request):
            isReading = false
            timeout?.cancel()
            answer(request, context)
        case .authenticationData:
            context.close(promise: nil)
        }
    }

    private func answer(_ request: SOCKSRequest, _ context: ChannelHandlerContext) {
        guard request.command == .connect else { return refuse(.commandUnsupported, context) }
        let (host, port): (String, Int)
        switch request.addressType {
        case .domain(let name, let number): (host, port) = (name, number)
        case .address(let address): (host, port) = (address.ipAddress ?? "", address.port ?? 0)
        }
        proxy.connect(host: host, port: port, on: context.eventLoop).assumeIsolated().whenComplete { result in
            guard context.channel.isActive else {
                if case .success(let upstream) = result { upstream.close(promise: nil) }
                return
            }
            switch result {
            case .success(let upstream): self.establish(upstream, context)
            case .failure(let error): self.refuse(Self.reply(for: error), context)
            }
        }
    }

    private static func reply(for error: any Error) -> SOCKSServerReply {
        switch error {
        case EgressRefusal.notAllowed: .notAllowed
        case let error as IOError where error.errnoCode == ECONNREFUSED: .refused
        case is IOError: .networkUnreachable
        default: .hostUnreachable
        }
    }

    /// What a reply says of the proxy's own address, which is nobody's business.
    private static let noAddress =
        (try? SocketAddress(ipAddress: "0.0.0.0", port: 0)).map { SOCKSAddress.address($0) } ?? .domain("", port: 0)

    private func refuse(_ reply: SOCKSServerReply, _ context: ChannelHandlerContext) {
        let channel = context.channel
        let response = SOCKSResponse(reply: reply, boundAddress: Self.noAddress)
        context.writeAndFlush(wrapOutboundOut(.response(response))).whenComplete { _ in channel.close(promise: nil) }
    }

    // MARK: - Connected

    private func establish(_ upstream: any Channel, _ context: ChannelHandlerContext) {
        let pipeline = context.channel.pipeline.syncOperations
        let (near, far) = EgressPipe.pair(proxy: proxy, onLimit: onLimit)
        do {
            try upstream.pipeline.syncOperations.addHandler(far)
            try pipeline.addHandlers(IdleStateHandler(allTimeout: TimeAmount(proxy.policy.limits.idle)), near)
            let response = SOCKSResponse(reply: .succeeded, boundAddress: Self.noAddress)
            context.writeAndFlush(wrapOutboundOut(.response(response)), promise: nil)
            // The other one, when it leaves, passes on what the client has sent too early: to the pipe, not to this.
            let reader = try pipeline.context(handlerType: SOCKSServerHandshakeHandler.self)
            pipeline.removeHandler(context: context, promise: nil)
            pipeline.removeHandler(context: reader, promise: nil)
            near.begin()
            far.begin()
        } catch {
            upstream.close(promise: nil)
            context.close(promise: nil)
        }
    }
}
