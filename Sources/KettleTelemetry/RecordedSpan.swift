import KettleError
import KettleProvenance
import Synchronization
package import Tracing

/// A span that goes to the collector when it has ended; one that is not sampled only hands its identity on.
package final class RecordedSpan: Span {
    /// Bytes of an attribute's text, and attributes of a span: a stranger's words are among them.
    private static let (textLimit, attributeLimit, eventLimit) = (1024, 64, 32)

    package let context: ServiceContext
    private let identity: SpanIdentity
    private let parent: [UInt8]?
    private let kind: SpanKind
    private let start: UInt64
    private let sink: (@Sendable (JSONValue) -> Void)?
    private let state: Mutex<State>

    private struct State {
        var name: String
        var attributes = SpanAttributes()
        var events: [SpanEvent] = []
        var links: [SpanLink] = []
        var status: SpanStatus?
        var hasEnded = false
    }

    /// - Parameter sink: Given the span as OTLP has it, once it has ended; nil where it is not recorded.
    init(
        _ name: String, _ identity: SpanIdentity, parent: [UInt8]?, in context: ServiceContext, kind: SpanKind,
        at start: UInt64, sink: (@Sendable (JSONValue) -> Void)?
    ) {
        var context = context
        context.span = identity
        self.context = context
        self.identity = identity
        self.parent = parent
        self.kind = kind
        self.start = start
        self.sink = sink
        state = Mutex(State(name: name))
    }

    package var isRecording: Bool { sink != nil && !state.withLock { $0.hasEnded } }

    package var operationName: String {
        get { state.withLock { $0.name } }
        set { change { $0.name = newValue } }
    }

    package var attributes: SpanAttributes {
        get { state.withLock { $0.attributes } }
        set { change { $0.attributes = newValue } }
    }

    package func setStatus(_ status: SpanStatus) { change { $0.status = status } }

    package func addEvent(_ event: SpanEvent) {
        change { if $0.events.count < Self.eventLimit { $0.events.append(event) } }
    }

    package func addLink(_ link: SpanLink) {
        change { if $0.links.count < Self.eventLimit { $0.links.append(link) } }
    }

    /// An event `exception`, and a status that says so.
    package func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        guard sink != nil else { return }
        let known = error as? any UserFacingError
        var attributes = attributes
        attributes["exception.type"] = known?.code ?? "\(type(of: error))"
        attributes["exception.message"] = known?.message ?? "\(error)"
        addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
        setStatus(SpanStatus(code: .error, message: known?.message))
    }

    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard let sink else { return }
        let end = instant().nanosecondsSinceEpoch
        let ended: State? = state.withLock { state in
            guard !state.hasEnded else { return nil }
            state.hasEnded = true
            return state
        }
        if let ended { sink(encoded(ended, end: end)) }
    }

    private func change(_ body: (inout sending State) -> Void) {
        guard sink != nil else { return }
        state.withLock { if !$0.hasEnded { body(&$0) } }
    }

    // MARK: - OTLP

    /// `opentelemetry.proto.trace.v1.Span` in the JSON encoding of OTLP 1.x: ids in hexadecimal digits, names in lowerCamelCase,
    /// enumerations as numbers, 64-bit numbers as text.
    private func encoded(_ state: State, end: UInt64) -> JSONValue {
        var members: [String: JSONValue] = [
            "traceId": .string(SpanIdentity.hex(identity.traceID)),
            "spanId": .string(SpanIdentity.hex(identity.spanID)),
            "name": .string(Self.short(state.name)), "kind": .integer(kindNumber),
            "startTimeUnixNano": .string("\(start)"), "endTimeUnixNano": .string("\(max(start, end))"),
            "attributes": Self.encoded(state.attributes),
        ]
        if let parent { members["parentSpanId"] = .string(SpanIdentity.hex(parent)) }
        if !state.events.isEmpty {
            members["events"] = .array(
                state.events.map {
                    [
                        "timeUnixNano": .string("\($0.nanosecondsSinceEpoch)"), "name": .string(Self.short($0.name)),
                        "attributes": Self.encoded($0.attributes),
                    ]
                })
        }
        let links = state.links.compactMap { link in
            link.context.span.map { span -> JSONValue in
                [
                    "traceId": .string(SpanIdentity.hex(span.traceID)),
                    "spanId": .string(SpanIdentity.hex(span.spanID)),
                    "attributes": Self.encoded(link.attributes),
                ]
            }
        }
        if !links.isEmpty { members["links"] = .array(links) }
        if let status = state.status {
            var encoded: [String: JSONValue] = ["code": status.code == .error ? 2 : 1]
            encoded["message"] = status.message.map { .string(Self.short($0)) }
            members["status"] = .object(encoded)
        }
        return .object(members)
    }

    private var kindNumber: Int64 {
        switch kind {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }

    private static func encoded(_ attributes: SpanAttributes) -> JSONValue {
        var pairs: [(key: String, value: JSONValue)] = []
        attributes.forEach { key, value in
            guard pairs.count < attributeLimit else { return }
            pairs.append((key, encoded(value)))
        }
        return .array(
            pairs.sorted { $0.key < $1.key }.map { ["key": .string($0.key), "value": $0.value] })
    }

    /// `opentelemetry.proto.common.v1.AnyValue`.
    private static func encoded(_ value: SpanAttribute) -> JSONValue {
        switch value {
        case .bool(let value): ["boolValue": .bool(value)]
        case .int32(let value): ["intValue": .string("\(value)")]
        case .int64(let value): ["intValue": .string("\(value)")]
        case .double(let value) where value.isFinite: ["doubleValue": .number(value)]
        case .string(let text): ["stringValue": .string(short(text))]
        default: ["stringValue": .string(short("\(value)"))]
        }
    }

    private static func short(_ text: String) -> String {
        text.utf8.count <= textLimit ? text : String(decoding: text.utf8.prefix(textLimit), as: UTF8.self) + "…"
    }
}
