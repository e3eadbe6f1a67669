import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes the connection after a request that offers to change the protocol (`Upgrade`, RFC 9110, section 7.8).
///
/// No upgrade is taken up, and the request is answered as it stands. But the decoder, which expects another protocol from
/// there on, reads no further request: `curl --http2` and cargo, which offer `h2c` and then keep the connection, would wait
/// in vain for their second answer.
final class UpgradeOfferHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private var isLastRequest = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), head.headerFields[.upgrade] != nil else {
            return context.fireChannelRead(data)
        }
        isLastRequest = true
        head.headerFields[.connection] = "close"
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isLastRequest, case .head(var head) = unwrapOutboundIn(data), head.status.kind != .informational else {
            return context.write(data, promise: promise)
        }
        head.headerFields[.connection] = "close"
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }
}
