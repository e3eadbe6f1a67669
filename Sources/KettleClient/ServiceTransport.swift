import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOPosix
import NIOSSL
import NIOTLS

/// One request and its answer at a time, each over a connection of its own.
///
/// A library's connection pool would be faster and would decide by itself when to connect anew. Here every connection is made
/// in one place, and nothing is written to it before the server's key was checked.
struct ServiceTransport: Sendable {
    let address: ServiceAddress
    let trust: PeerTrust
    /// Sent with every request, over TLS or within this machine. Nil sends none.
    let token: String?

    private static let connectTimeout = TimeAmount.seconds(15)
    /// How long neither side may send anything. A service with nothing to say sends a comment every 15 seconds.
    private static let silence = TimeAmount.seconds(60)

    /// - Parameters:
    ///   - path: Behind the address's prefix.
    ///   - receive: Reads the answer; its result is handed on with the server's key, nil without TLS.
    /// - Throws: ``ServiceError``, and what `body` and `receive` throw.
    func exchange<Result: Sendable>(
        _ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields = [:], body: RequestBody? = nil,
        _ receive: (HTTPResponse, inout ResponseBody) async throws -> sending Result
    ) async throws -> (answer: Result, peerKey: [UInt8]?) {
        let check = PeerCheck(trust)
        do {
            let channel = try await connect(check)
            // The closure is not handed to another task.
            let answer = try await channel.executeThenClose { inbound, outbound in
                let request = makeRequest(method, path, headers, body)
                async let _: Void = Self.send(request, body, outbound, channel.channel)
                var parts = inbound.makeAsyncIterator()
                // An answer before the whole request was sent is most often a refusal: what is left is not sent.
                guard case .head(let head)? = try await parts.next() else { throw ServiceError.lost }
                var rest = ResponseBody(parts: parts)
                return try await receive(head, &rest)
            }
            return (answer, check.key)
        } catch {
            throw told(error, check)
        }
    }

    private func connect(
        _ check: PeerCheck
    ) async throws -> NIOAsyncChannel<HTTPResponsePart, HTTPRequestPart> {
        let address = address
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(Self.connectTimeout)
        let (channel, handshake) = try await bootstrap.connect(host: address.host, port: address.port) { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                let tls = address.isTLS ? try check.makeHandler(address) : nil
                let handshake = channel.eventLoop.makePromise(of: Void.self)
                if let tls {
                    try pipeline.addHandler(tls)
                    try pipeline.addHandler(HandshakeWatch(handshake))
                    channel.eventLoop.scheduleTask(in: Self.connectTimeout) { handshake.fail(ServiceError.lost) }
                } else {
                    handshake.succeed()
                }
                try pipeline.addHandler(IdleStateHandler(allTimeout: Self.silence))
                try pipeline.addHTTPClientHandlers()
                try pipeline.addHandler(HTTP1ToHTTPClientCodec())
                try pipeline.addHandler(SilenceHandler())
                let wrapped = try NIOAsyncChannel<HTTPResponsePart, HTTPRequestPart>(
                    wrappingChannelSynchronously: channel)
                return (wrapped, handshake.futureResult)
            }
        }
        do {
            try await handshake.get()
            // What a name such as localhost stands for is the resolver's word.
            if !address.isTLS, !channel.channel.isWithinThisMachine {
                throw ServiceError.plaintext(host: address.host)
            }
        } catch {
            // The way in which such a channel has to be given up.
            try? await channel.executeThenClose { _, _ in }
            throw error
        }
        return channel
    }

    private func makeRequest(
        _ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields, _ body: RequestBody?
    ) -> HTTPRequest {
        var request = HTTPRequest(
            method: method, scheme: address.isTLS ? "https" : "http", authority: address.authority,
            path: address.prefix + path, headerFields: headers)
        request.headerFields[.connection] = "close"
        request.headerFields[.userAgent] = "kettle"
        request.headerFields[.authorization] = token.map { "Bearer \($0)" }
        if let body {
            request.headerFields[.contentLength] = "\(body.length)"
            request.headerFields[.contentType] = body.contentType
        }
        return request
    }

    private static func send(
        _ request: HTTPRequest, _ body: RequestBody?, _ outbound: NIOAsyncChannelOutboundWriter<HTTPRequestPart>,
        _ channel: any Channel
    ) async throws {
        do {
            try await outbound.write(.head(request))
            if let body { try await body.write { try await outbound.write(.body($0)) } }
            try await outbound.write(.end(nil))
        } catch let error as ServiceError {
            // The reader waits for an answer to a request that will never be whole.
            channel.pipeline.fireErrorCaught(error)
            channel.close(promise: nil)
            throw error
        }
    }

    /// Finds the words for what the layers below throw.
    private func told(_ error: any Error, _ check: PeerCheck) -> any Error {
        if check.wasRefused { return ServiceError.otherKey }
        return switch error {
        case is NIOConnectionError, ChannelError.connectTimeout: ServiceError.unreachable(place: address.authority)
        case is NIOSSLExtraError, NIOSSLError.handshakeFailed, NIOSSLError.noCertificateToValidate,
            NIOSSLError.unableToValidateCertificate:
            ServiceError.handshake(place: address.authority)
        case is NIOSSLError, is BoringSSLError, is HTTPParserError, is ChannelError, is IOError,
            is NIOAsyncWriterError:
            ServiceError.lost
        default: error
        }
    }
}

extension Channel {
    fileprivate var isWithinThisMachine: Bool {
        remoteAddress?.ipAddress.map { $0 == "::1" || $0.hasPrefix("127.") } ?? false
    }
}

/// What is sent behind a request's head.
struct RequestBody: Sendable {
    let contentType: String
    let length: Int64
    /// Hands on the body piece by piece.
    let write: @Sendable (_ send: @Sendable (ByteBuffer) async throws -> Void) async throws -> Void
}

/// The body of an answer, as it arrives.
struct ResponseBody {
    fileprivate var parts: NIOAsyncChannelInboundStream<HTTPResponsePart>.AsyncIterator

    /// The next piece; nil at the end.
    mutating func next() async throws -> ByteBuffer? {
        switch try await parts.next(isolation: #isolation) {
        case .body(let buffer)?: buffer
        case .end?, nil: nil
        case .head?: throw ServiceError.answer("a second head")
        }
    }

    /// All of it.
    ///
    /// - Throws: ``ServiceError/tooLarge(_:limitInBytes:)``.
    mutating func whole(_ what: String, limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await next() {
            guard piece.readableBytes <= limit - bytes.count else {
                throw ServiceError.tooLarge(what, limitInBytes: Int64(limit))
            }
            bytes += piece.readableBytesView
        }
        return bytes
    }
}

/// Tells when the handshake, and with it the check of the server's key, is complete.
private final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let complete: EventLoopPromise<Void>

    init(_ complete: EventLoopPromise<Void>) {
        self.complete = complete
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent { complete.succeed() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        complete.fail(error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        complete.fail(NIOSSLError.uncleanShutdown)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        complete.fail(NIOSSLError.uncleanShutdown)
    }
}

/// Ends a connection over which nothing goes any more.
private final class SilenceHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPResponsePart
    typealias InboundOut = HTTPResponsePart

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.fireErrorCaught(ServiceError.silent)
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}
