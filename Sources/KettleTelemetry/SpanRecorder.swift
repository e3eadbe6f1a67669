import KettleProvenance
package import Tracing

/// Makes spans for swift-distributed-tracing, in the trace of the caller where it names one, and gives those that are sampled to
/// an exporter.
package struct SpanRecorder: Tracer {
    package typealias Span = RecordedSpan

    private let sampler: TraceSampler
    private let queue: SpanQueue

    package init(sampler: TraceSampler, queue: SpanQueue) {
        self.sampler = sampler
        self.queue = queue
    }

    package func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> RecordedSpan {
        let context = context()
        let parent = context.span
        let identity: SpanIdentity
        if let parent {
            identity = parent.child(isSampled: sampler.isSampled(parent.traceID, parent: parent))
        } else {
            identity = SpanIdentity.root { sampler.isSampled($0, parent: nil) }
        }
        var sink: (@Sendable (JSONValue) -> Void)?
        if identity.isSampled { sink = { [queue] span in queue.add(span) } }
        return RecordedSpan(
            operationName, identity, parent: parent?.spanID, in: context, kind: kind,
            at: instant().nanosecondsSinceEpoch, sink: sink)
    }

    package func activeSpan(identifiedBy context: ServiceContext) -> RecordedSpan? { nil }

    /// Nothing to do: the exporter runs on its own, and empties the queue before the process ends.
    package func forceFlush() {}

    package func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let text = extractor.extract(key: "traceparent", from: carrier) else { return }
        context.span = SpanIdentity(traceparent: text) ?? context.span
    }

    package func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let span = context.span else { return }
        injector.inject(span.traceparent, forKey: "traceparent", into: &carrier)
    }
}
