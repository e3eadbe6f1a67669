import AsyncHTTPClient
import KettleProvenance
package import Logging
import Metrics
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// Sends spans to an OpenTelemetry collector: OTLP over HTTP in its JSON encoding, a batch every few seconds.
///
/// What a collector does not take is dropped and counted, not tried again: a trace is worth less than the memory of a service whose
/// collector is down.
package struct SpanExporter: Service {
    package struct Configuration: Sendable {
        /// The URL that batches are posted to.
        package var endpoint: String
        /// Secrets among them.
        package var headers: [(name: String, value: String)]
        /// `service.name` of the resource.
        package var serviceName: String
        package var version: String
        package var sampler: TraceSampler

        package init(
            endpoint: String, headers: [(name: String, value: String)], serviceName: String, version: String,
            sampler: TraceSampler
        ) {
            self.endpoint = endpoint
            self.headers = headers
            self.serviceName = serviceName
            self.version = version
            self.sampler = sampler
        }
    }

    private static let batchLimit = 256
    private static let pause = Duration.seconds(2)
    private static let timeout = TimeAmount.seconds(5)

    private let configuration: Configuration
    private let queue: SpanQueue
    private let logger: Logger

    package init(_ configuration: Configuration, queue: SpanQueue, logger: Logger) {
        self.configuration = configuration
        self.queue = queue
        self.logger = logger
    }

    /// Stands first among services, so that it stops last and sends what the others leave behind.
    package func run() async throws {
        var settings = HTTPClient.Configuration(redirectConfiguration: .disallow)
        settings.httpVersion = .http1Only
        // The client would make a span of each batch that it sends, and so one more batch.
        settings.tracing.tracer = nil
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        let isTaking = await cancelWhenGracefulShutdown {
            var isTaking = true
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.pause)
                // A batch that is on its way when the service stops arrives all the same, within its time limit.
                isTaking = await Task { [isTaking] in await sendAll(client, isTaking: isTaking) }.value
            }
            return isTaking
        }
        // Nobody should wait at the end for a collector that was not there before.
        if isTaking { _ = await sendAll(client, isTaking: true) }
        try await client.shutdown()
    }

    /// - Parameter isTaking: Whether the collector took the last batch: a change is logged, and nothing else.
    /// - Returns: Whether it takes what it is sent.
    private func sendAll(_ client: HTTPClient, isTaking: Bool) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(10)
        var isTaking = isTaking
        while ContinuousClock.now < deadline {
            let spans = queue.take(Self.batchLimit)
            guard !spans.isEmpty else { break }
            if let failure = await send(spans, client) {
                SpanQueue.drop(spans.count, because: "not_taken")
                if isTaking {
                    logger.warning(
                        "traces are lost: the collector does not take them", metadata: ["reason": "\(failure)"])
                }
                return false
            }
            Counter(label: "kettle_trace_spans_exported_total").increment(by: spans.count)
            if !isTaking { logger.notice("the collector takes traces again") }
            isTaking = true
        }
        return isTaking
    }

    /// - Returns: Why they were not taken, nil if they were.
    private func send(_ spans: [JSONValue], _ client: HTTPClient) async -> String? {
        var request = HTTPClientRequest(url: configuration.endpoint)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        for (name, value) in configuration.headers { request.headers.replaceOrAdd(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: body(spans).canonicalBytes()))
        do {
            let response = try await client.execute(request, timeout: Self.timeout)
            // The answer may tell of spans that were refused one by one; there is nothing to do about those.
            _ = try await response.body.collect(upTo: 1 << 20)
            return (200..<300).contains(response.status.code) ? nil : "status \(response.status.code)"
        } catch {
            return "\(error)"
        }
    }

    /// `opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest`.
    private func body(_ spans: [JSONValue]) -> JSONValue {
        func text(_ key: String, _ value: String) -> JSONValue {
            ["key": .string(key), "value": ["stringValue": .string(value)]]
        }
        return [
            "resourceSpans": [
                [
                    "resource": [
                        "attributes": [
                            text("service.name", configuration.serviceName),
                            text("service.version", configuration.version),
                        ]
                    ],
                    "scopeSpans": [
                        [
                            "scope": ["name": "kettle", "version": .string(configuration.version)],
                            "spans": .array(spans),
                        ]
                    ],
                ]
            ]
        ]
    }
}
