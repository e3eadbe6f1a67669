import NIOCore

/// One side of a connection through the proxy. What is read on it is written to its partner, on the same event loop.
///
/// A side is read only while its partner can be written to, so no more than the buffers of one connection wait in memory.
/// The end of one direction is passed on as such: what goes the other way still arrives.
final class EgressPipe: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let direction: EgressProxy.Direction
    private let proxy: EgressProxy
    private let onLimit: @Sendable (Int) -> Void
    /// Both are nil once this side is closed, which also undoes the cycle.
    private var partner: EgressPipe?
    private var context: ChannelHandlerContext?
    private var hasEnded = false

    private init(_ direction: EgressProxy.Direction, _ proxy: EgressProxy, _ onLimit: @escaping @Sendable (Int) -> Void)
    {
        self.direction = direction
        self.proxy = proxy
        self.onLimit = onLimit
    }

    /// The command's side and the remote's.
    static func pair(
        proxy: EgressProxy, onLimit: @escaping @Sendable (Int) -> Void
    ) -> (near: EgressPipe, far: EgressPipe) {
        let pair = (near: EgressPipe(.sent, proxy, onLimit), far: EgressPipe(.received, proxy, onLimit))
        (pair.near.partner, pair.far.partner) = (pair.far, pair.near)
        return pair
    }

    /// Begins to read.
    func begin() {
        partner?.context?.flush()
        pull()
    }

    /// Asks for more if there is room for it.
    private func pull() {
        guard let context, !hasEnded, partner?.context?.channel.isWritable == true else { return }
        context.read()
    }

    // MARK: - Events of this side

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard bytes.readableBytes > 0 else { return }
        if let limit = proxy.count(bytes.readableBytes, direction) {
            onLimit(limit)
            context.close(promise: nil)
            return
        }
        partner?.context?.write(wrapOutboundOut(bytes), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        partner?.context?.flush()
        pull()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.pull() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            hasEnded = true
            partner?.finish(.output)
        case is IdleStateHandler.IdleStateEvent:
            partner?.context?.close(promise: nil)
            context.close(promise: nil)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        hasEnded = true
        partner?.finish(.all)
        partner = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// Closes this side when what waits to be written has been. To close at once would drop it.
    private func finish(_ mode: CloseMode) {
        guard let context else { return }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in channel.close(mode: mode, promise: nil)
        }
    }
}
