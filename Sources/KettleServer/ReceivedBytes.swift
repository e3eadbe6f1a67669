import Metrics
import NIOCore
import NIOHTTPTypes

/// Counts what arrives of requests' bodies, whatever becomes of it.
final class ReceivedBytes: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private let counter = Counter(label: "kettle_http_received_bytes_total")

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .body(let buffer) = unwrapInboundIn(data) { counter.increment(by: buffer.readableBytes) }
        context.fireChannelRead(data)
    }
}
