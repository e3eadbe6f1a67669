import HummingbirdCore
import Logging
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP2
import NIOSSL
import NIOTLS

/// A connection over TLS that speaks HTTP/2 or HTTP/1.1, as the two ends agree (ALPN, RFC 7301).
///
/// A stream of HTTP/2 is handled as a connection of HTTP/1.1 with one request. What a hostile client can do is bounded by the
/// library (resets, errors, control frames: 200 in 30 seconds; five CONTINUATION frames; one empty DATA frame in a row; 16 KiB of
/// headers) and by the numbers here.
struct SecureHTTPChannel: HTTPChannelHandler {
    /// What a connection turned out to speak.
    enum Negotiated: Sendable {
        case http1(HTTP1Channel.Value)
        case http2(NIOHTTP2Handler.AsyncStreamMultiplexer<HTTP1Channel.Value>)
    }

    struct Value: ServerChildChannelValue {
        let negotiated: EventLoopFuture<Negotiated>
        let channel: any Channel
    }

    private let context: NIOSSLContext
    private let http: HTTP1Channel
    private let idleTimeout: TimeAmount

    var responder: Responder { http.responder }

    /// Requests at one time on a connection.
    private static let streamLimit = 100
    /// Bytes that a client may send ahead of being read, in one request. With the 64 KiB of the protocol an upload over a link
    /// with a round trip of 50 ms would end at 1.3 MB/s.
    private static let streamWindow = 1 << 20
    /// The same for all requests of a connection.
    private static let connectionWindow = 2 << 20

    /// - Parameter configuration: What holds for HTTP/1.1 and for each stream of HTTP/2; its idle time also bounds the handshake
    ///   and connections without a request.
    init(
        tls: TLSConfiguration, configuration: HTTP1Channel.Configuration, idleTimeout: TimeAmount,
        responder: @escaping Responder
    ) throws {
        context = try NIOSSLContext(configuration: tls)
        http = HTTP1Channel(responder: responder, configuration: configuration)
        self.idleTimeout = idleTimeout
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let negotiation = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result in
                if case .negotiated("h2") = result { return setupHTTP2(channel, logger) }
                return http.setup(channel: channel, logger: logger).map { .http1($0) }
            }
            let pipeline = channel.pipeline.syncOperations
            let deadline = HandshakeDeadline(timeout: idleTimeout)
            try pipeline.addHandlers(NIOSSLServerHandler(context: context), deadline, negotiation)
            let bound = NIOLoopBound((pipeline, deadline), eventLoop: channel.eventLoop)
            let negotiated = negotiation.protocolNegotiationResult
            negotiated.whenSuccess { _ in
                let (pipeline, deadline) = bound.value
                pipeline.removeHandler(deadline, promise: nil)
            }
            return Value(negotiated: negotiated, channel: channel)
        }
    }

    private func setupHTTP2(_ channel: any Channel, _ logger: Logger) -> EventLoopFuture<Negotiated> {
        channel.eventLoop.makeCompletedFuture {
            let lifetime = HTTP2ConnectionLifetime(idleTimeout: idleTimeout)
            var configuration = NIOHTTP2Handler.Configuration()
            configuration.connection.initialSettings = [
                HTTP2Setting(parameter: .maxConcurrentStreams, value: Self.streamLimit),
                HTTP2Setting(parameter: .maxHeaderListSize, value: HPACKDecoder.defaultMaxHeaderListSize),
                HTTP2Setting(parameter: .initialWindowSize, value: Self.streamWindow),
            ]
            configuration.connection.targetWindowSize = Self.connectionWindow
            configuration.stream.targetWindowSize = Self.streamWindow
            let streams = try channel.pipeline.syncOperations.configureAsyncHTTP2Pipeline(
                mode: .server, streamDelegate: lifetime.streams(on: channel.eventLoop), configuration: configuration
            ) { stream in
                setupStream(stream, logger)
            }
            try channel.pipeline.syncOperations.addHandler(lifetime)
            return .http2(streams)
        }
    }

    private func setupStream(_ stream: any Channel, _ logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        stream.eventLoop.makeCompletedFuture {
            try stream.pipeline.syncOperations.addHandlers(HTTP2FramePayloadToHTTPServerCodec())
            try stream.pipeline.syncOperations.addHandlers(http.configuration.additionalChannelHandlers())
            try stream.pipeline.syncOperations.addHandler(
                HTTPConnectionStateHandler(idleTimeout: Duration(idleTimeout), logger: logger))
            return try HTTP1Channel.Value(wrappingChannelSynchronously: stream)
        }
    }

    func handle(value: Value, logger: Logger) async {
        guard let negotiated = try? await value.negotiated.get() else { return }
        switch negotiated {
        case .http1(let channel): await http.handle(value: channel, logger: logger)
        case .http2(let streams):
            do {
                try await withThrowingDiscardingTaskGroup { group in
                    for try await stream in streams.inbound {
                        group.addTask { await http.handle(value: stream, logger: logger) }
                    }
                }
            } catch {
                logger.debug("a connection of HTTP/2 ended", metadata: ["reason": "\(error)"])
            }
        }
    }
}
