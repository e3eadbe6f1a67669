import Foundation
import HTTPTypes
import Hummingbird
import KettleBuild
import KettleStore
import KettleTelemetry
import Logging
import Metrics
import NIOCore
import Synchronization
import Tracing

/// Makes every request visible: it gives it an id and a span, counts it, and writes a line about it into the log.
///
/// The first of the middleware, so that it sees every answer as it leaves.
struct RequestObservation: RouterMiddleware {
    typealias Context = KettleRequestContext

    /// Whether there is a line in the log for every request.
    let isLogged: Bool
    private let inFlight = Meter(label: "kettle_http_requests_in_flight")
    private let streams = Meter(label: "kettle_http_event_streams")
    private let sent = Counter(label: "kettle_http_sent_bytes_total")

    init(isLogged: Bool) {
        self.isLogged = isLogged
    }

    /// Answers up to this many bytes, if they know their length, count as sent when they are handed to the connection. They leave in
    /// one write, which watching them would turn into three.
    private static let watchedFrom = 16 << 10

    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var context = context
        var trace = ServiceContext.current ?? .topLevel
        InstrumentationSystem.instrument.extract(request.headers, into: &trace, using: HeaderExtractor())
        let requestID = RequestID.choose(offered: request.headers[.requestID])
        trace.requestID = requestID
        let exchange = Exchange(request, requestID, context, in: trace, inFlight)
        context.logger[metadataKey: "hb.request.id"] = nil
        for (key, value) in exchange.identity { context.logger[metadataKey: key] = value }
        context.exchange = exchange

        var response: Response
        do {
            response = try await ServiceContext.withValue(exchange.span.context) { [context] in
                try await next(request, context)
            }
        } catch {
            exchange.span.recordError(error)
            exchange.begin(status: .internalServerError, buildID: nil)
            exchange.end(context.logger, isLogged: isLogged, isWhole: false)
            throw error
        }
        let isStream = response.headers[.contentType] == "text/event-stream"
        exchange.begin(status: response.status, buildID: Self.buildID(response, context))
        response.headers[.requestID] = requestID
        // Of an answer to HEAD the body is thrown away.
        let length = request.method == .head ? 0 : isStream ? nil : response.body.contentLength
        if let length, length <= Self.watchedFrom {
            sent.increment(by: length)
            exchange.sent(length)
            exchange.end(context.logger, isLogged: isLogged, isWhole: true)
            return response
        }
        if isStream {
            exchange.recordDuration()
            if isLogged { exchange.log(context.logger, "stream began") }
        }
        let watch = AnswerWatch(
            exchange: exchange, sent: sent, streams: isStream ? streams : nil, logger: context.logger,
            isLogged: isLogged)
        let body = response.body
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(WatchedWriter(base: writer, watch: watch))
            watch.isWhole.store(true, ordering: .relaxed)
        }
        return response
    }

    /// Which build the request is about: the one in its path, or the one it began.
    private static func buildID(_ response: Response, _ context: Context) -> String? {
        let text =
            context.parameters.get("id") ?? response.headers[.location]?.split(separator: "/").last.map(String.init)
        return text.flatMap { BuildID($0)?.hex }
    }
}

/// One request and its answer, for metrics, trace and log.
///
/// Shared between the middleware, whatever learns who calls, and the writer of the answer.
final class Exchange: Sendable {
    let span: any Span
    /// What every line of the log about this request has.
    let identity: Logger.Metadata
    private let method: String
    private let path: String
    private let route: String
    private let peer: String
    private let began = ContinuousClock.now
    private let inFlight: Meter
    private let state = Mutex(State())

    private struct State {
        var status: HTTPResponse.Status = .internalServerError
        var buildID: String?
        var owner: String?
        var bytes = 0
        var isTimed = false
    }

    fileprivate init(
        _ request: Request, _ requestID: String, _ context: KettleRequestContext, in trace: ServiceContext,
        _ meter: Meter
    ) {
        method = Self.method(request.method)
        path = String(PrintableText.make(from: String(request.uri.path.prefix(400))).prefix(200))
        route = Self.route(context.endpointPath)
        peer = context.peer
        inFlight = meter
        inFlight.increment()
        span = startSpan("\(method) \(route)", context: trace, ofKind: .server)
        span.attributes["http.request.method"] = method
        span.attributes["http.route"] = route
        span.attributes["url.path"] = path
        span.attributes["kettle.request.id"] = requestID
        var identity: Logger.Metadata = ["request_id": "\(requestID)"]
        if let trace = span.context.span, trace.isSampled { identity["trace_id"] = "\(trace.traceIDText)" }
        self.identity = identity
    }

    /// Told by the request's context once it is known who sends it.
    func note(_ owner: String?) { state.withLock { $0.owner = owner } }

    fileprivate func begin(status: HTTPResponse.Status, buildID: String?) {
        state.withLock { state in
            state.status = status
            state.buildID = buildID
        }
        span.attributes["http.response.status_code"] = status.code
        if let buildID { span.attributes["kettle.build.id"] = buildID }
        if status.code >= 500 { span.setStatus(SpanStatus(code: .error)) }
        Counter(
            label: "kettle_http_requests_total",
            dimensions: [("route", route), ("method", method), ("status", "\(status.code)")]
        ).increment()
    }

    fileprivate func sent(_ count: Int) { state.withLock { $0.bytes += count } }

    /// Once: at the head of an event stream, at the end of another answer.
    fileprivate func recordDuration() {
        let isFirst = state.withLock { state in
            defer { state.isTimed = true }
            return !state.isTimed
        }
        guard isFirst else { return }
        Recorder(
            label: "kettle_http_request_duration_seconds", dimensions: [("route", route), ("method", method)],
            aggregate: true
        ).record((ContinuousClock.now - began) / .seconds(1))
    }

    fileprivate func end(_ logger: Logger, isLogged: Bool, isWhole: Bool) {
        recordDuration()
        inFlight.decrement()
        if !isWhole { span.attributes["kettle.request.aborted"] = true }
        span.end()
        if isLogged { log(logger, "request", isWhole: isWhole) }
    }

    /// A line about what happened so far. Query strings are left out: they may hold secrets.
    fileprivate func log(_ logger: Logger, _ message: Logger.Message, isWhole: Bool = true) {
        let state = state.withLock { $0 }
        let milliseconds = ((ContinuousClock.now - began) / .milliseconds(1) * 1000).rounded() / 1000
        var metadata: Logger.Metadata = [
            "method": "\(method)", "path": "\(path)", "route": "\(route)",
            "status": .stringConvertible(state.status.code), "bytes": .stringConvertible(state.bytes),
            "duration_ms": .stringConvertible(milliseconds),
        ]
        metadata["peer"] = "\(peer)"
        metadata["owner"] = state.owner.map { "\($0)" }
        metadata["build_id"] = state.buildID.map { "\($0)" }
        if !isWhole { metadata["aborted"] = .stringConvertible(true) }
        logger.info(message, metadata: metadata)
    }

    /// One of a closed set: a stranger may send any word.
    private static func method(_ method: HTTPRequest.Method) -> String {
        switch method {
        case .get, .head, .post, .put, .patch, .delete, .options: method.rawValue
        default: "other"
        }
    }

    /// The pattern of the route, the same for all prefixes: `/builds/{id}`. `other` where there is no route.
    private static func route(_ pattern: String?) -> String {
        guard let pattern, pattern.hasPrefix("/") else { return "other" }
        for prefix in BuildRoutes.prefixes where !prefix.isEmpty && pattern.hasPrefix(prefix + "/") {
            return String(pattern.dropFirst(prefix.count))
        }
        return pattern
    }
}

/// Watches a long answer leave. It ends when the connection lets go of it, whether everything was written or the client went away.
private final class AnswerWatch: Sendable {
    let exchange: Exchange
    let sent: Counter
    let streams: Meter?
    let logger: Logger
    let isLogged: Bool
    let isWhole = Atomic(false)

    init(exchange: Exchange, sent: Counter, streams: Meter?, logger: Logger, isLogged: Bool) {
        self.exchange = exchange
        self.sent = sent
        self.streams = streams
        self.logger = logger
        self.isLogged = isLogged
        streams?.increment()
    }

    deinit {
        streams?.decrement()
        exchange.end(logger, isLogged: isLogged, isWhole: isWhole.load(ordering: .relaxed))
    }

    func wrote(_ count: Int) {
        sent.increment(by: count)
        exchange.sent(count)
    }
}

private struct WatchedWriter: ResponseBodyWriter {
    var base: any ResponseBodyWriter
    let watch: AnswerWatch

    @concurrent mutating func write(_ buffer: ByteBuffer) async throws {
        try await base.write(buffer)
        watch.wrote(buffer.readableBytes)
    }

    @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await base.finish(trailingHeaders)
    }
}

/// The name of one request in logs, traces and its answer.
enum RequestID {
    /// The caller's, if it is 1 to 64 letters, digits, dots, dashes and underscores; a new one of 16 hexadecimal digits otherwise.
    static func choose(offered: String?) -> String {
        if let offered, (1...64).contains(offered.utf8.count), offered.utf8.allSatisfy(isPlain) { return offered }
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
        default: false
        }
    }
}

extension HTTPField.Name {
    static let requestID = HTTPField.Name("X-Request-Id") ?? .date
}

private struct HeaderExtractor: Extractor {
    func extract(key: String, from headers: HTTPFields) -> String? { HTTPField.Name(key).flatMap { headers[$0] } }
}
