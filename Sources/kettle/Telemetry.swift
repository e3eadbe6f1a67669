import KettleTelemetry
import Logging
import Metrics
import ServiceLifecycle
import Tracing

/// The metrics, traces and logs of this process. Once in a process, before anything else of the service is made.
struct Telemetry {
    let registry = MetricsRegistry()
    let writer: LogWriter
    /// Nil where no traces are collected. Stands first among the services, so that it stops last.
    let exporter: SpanExporter?

    /// - Returns: The logger of the service with it.
    static func start(_ settings: TelemetrySettings) -> (Telemetry, Logger) {
        let queue = SpanQueue()
        let writer = LogWriter()
        LoggingSystem.bootstrap(
            { label, provider in
                ServiceLogHandler(
                    label: label, format: settings.logFormat, level: settings.logLevel, writer: writer,
                    provider: provider)
            },
            metadataProvider: .init {
                guard let context = ServiceContext.current else { return [:] }
                var metadata = Logger.Metadata()
                metadata["request_id"] = context.requestID.map { "\($0)" }
                if let span = context.span, span.isSampled { metadata["trace_id"] = "\(span.traceIDText)" }
                return metadata
            })
        let logger = Logger(label: "kettle")
        let exporter = settings.traces.map { SpanExporter($0, queue: queue, logger: logger) }
        if let traces = settings.traces {
            InstrumentationSystem.bootstrap(SpanRecorder(sampler: traces.sampler, queue: queue))
        }
        let telemetry = Telemetry(writer: writer, exporter: exporter)
        MetricsSystem.bootstrap(telemetry.registry)
        ProcessMetrics.add(to: telemetry.registry, version: Kettle.version)
        return (telemetry, logger)
    }

    private init(writer: LogWriter, exporter: SpanExporter?) {
        self.writer = writer
        self.exporter = exporter
    }
}
