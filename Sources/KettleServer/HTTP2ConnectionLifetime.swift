import NIOCore
import NIOHTTP2

/// Ends a connection of HTTP/2 that has had no request for a while, and each when the service stops.
///
/// A request may take hours: a connection with one is left alone. On the way out the client is told which request was the last
/// that counts (GOAWAY, RFC 9113, section 6.8), and the connection ends with the last response.
final class HTTP2ConnectionLifetime: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias InboundOut = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let idleTimeout: TimeAmount
    private var context: ChannelHandlerContext?
    private var openStreams = 0
    private var lastStream = HTTP2StreamID.rootStream
    private var isStopping = false
    private var deadline: Scheduled<Void>?

    init(idleTimeout: TimeAmount) {
        self.idleTimeout = idleTimeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        waitForStream()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { stop() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The protocol was broken, or a limit of the library's was reached; it has told the client.
        context.close(promise: nil)
    }

    private func streamOpened(_ id: HTTP2StreamID) {
        openStreams += 1
        lastStream = max(lastStream, id)
        deadline?.cancel()
    }

    private func streamClosed() {
        openStreams -= 1
        guard openStreams == 0 else { return }
        if isStopping { context?.close(promise: nil) } else { waitForStream() }
    }

    private func waitForStream() {
        guard let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: idleTimeout) { bound.value.stop() }
    }

    private func stop() {
        guard let context, !isStopping else { return }
        isStopping = true
        let farewell = HTTP2Frame(
            streamID: .rootStream, payload: .goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil))
        context.writeAndFlush(wrapOutboundOut(farewell), promise: nil)
        if openStreams == 0 { context.close(promise: nil) }
    }

    // MARK: - Streams

    /// Tells this handler of streams, on the connection's own event loop.
    func streams(on eventLoop: any EventLoop) -> some NIOHTTP2StreamDelegate & Sendable {
        Streams(lifetime: NIOLoopBound(self, eventLoop: eventLoop))
    }

    private struct Streams: NIOHTTP2StreamDelegate, Sendable {
        let lifetime: NIOLoopBound<HTTP2ConnectionLifetime>

        func streamCreated(_ id: HTTP2StreamID, channel: any Channel) { lifetime.value.streamOpened(id) }
        func streamClosed(_ id: HTTP2StreamID, channel: any Channel) { lifetime.value.streamClosed() }
    }
}
