import KettleProvenance
import Metrics
import Synchronization

/// Spans that have ended and wait for the collector.
///
/// Shared between whatever ends a span, which never waits, and the exporter. At most ``limit`` wait; the others are dropped and
/// counted.
package final class SpanQueue: Sendable {
    package static let limit = 4096

    private let spans = Mutex<[JSONValue]>([])

    package init() {}

    func add(_ span: JSONValue) {
        let isKept = spans.withLock { spans in
            guard spans.count < Self.limit else { return false }
            spans.append(span)
            return true
        }
        if !isKept { Self.drop(1, because: "queue_full") }
    }

    /// The oldest spans, at most `count`.
    func take(_ count: Int) -> [JSONValue] {
        spans.withLock { spans in
            let taken = Array(spans.prefix(count))
            spans.removeFirst(taken.count)
            return taken
        }
    }

    static func drop(_ count: Int, because reason: String) {
        Counter(label: "kettle_trace_spans_dropped_total", dimensions: [("reason", reason)]).increment(by: count)
    }
}
