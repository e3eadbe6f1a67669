/// A metric that the service serves: its name, what it counts, and by what.
///
/// Names follow Prometheus: base units, counters end in `_total`. What stands here is what `docs/observing.md` lists.
package struct MetricDefinition: Sendable {
    package enum Kind: Sendable, Equatable {
        case counter
        case gauge
        /// - Parameter bounds: The upper bounds of the buckets, ascending; the one without a bound is not among them.
        case histogram(bounds: [Double])

        /// As a `TYPE` line writes it.
        package var word: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    package var name: String
    package var kind: Kind
    /// The names of the labels, in the order in which they are written.
    package var labels: [String]
    package var help: String

    package init(_ name: String, _ kind: Kind, _ labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
    }
}

extension MetricDefinition {
    private static let requestBounds = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120,
    ]
    private static let buildBounds: [Double] = [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400]

    /// Everything that `kettle serve` serves at `/metrics`.
    package static let all: [MetricDefinition] = [
        .init(
            "kettle_http_requests_total", .counter, ["route", "method", "status"],
            "Requests that were answered, by the pattern of their route."),
        .init(
            "kettle_http_request_duration_seconds", .histogram(bounds: requestBounds), ["route", "method"],
            "Time from the head of a request to the end of its answer; to the answer's head for event streams."),
        .init(
            "kettle_http_requests_in_flight", .gauge, [], "Requests that are being answered, event streams included."),
        .init("kettle_http_event_streams", .gauge, [], "Event streams that are open."),
        .init("kettle_http_received_bytes_total", .counter, [], "Bytes of request bodies that arrived."),
        .init("kettle_http_sent_bytes_total", .counter, [], "Bytes of answers' bodies that were written."),
        .init("kettle_http_refusals_total", .counter, ["code"], "Requests answered with 429, by the problem's code."),
        .init("kettle_builds_started_total", .counter, [], "Requests that became builds."),
        .init(
            "kettle_builds_ended_total", .counter, ["toolchain", "outcome"],
            "Builds that ended; the outcome is success or the error_type."),
        .init(
            "kettle_build_duration_seconds", .histogram(bounds: buildBounds), ["toolchain", "outcome"],
            "Time from a build's request to its end, waiting included."),
        .init("kettle_build_queue_depth", .gauge, [], "Builds that wait for a slot."),
        .init(
            "kettle_build_queue_oldest_seconds", .gauge, [], "How long the build that has waited longest has waited."),
        .init("kettle_build_slots", .gauge, [], "Builds that may run their toolchain at the same time."),
        .init("kettle_build_slots_busy", .gauge, [], "Slots that are taken."),
        .init("kettle_build_events_total", .counter, [], "Events that builds that ended had."),
        .init("kettle_build_artifact_bytes_total", .counter, [], "Bytes of artifacts that were stored."),
        .init("kettle_build_limits_total", .counter, ["limit"], "Builds that a limit ended."),
        .init("kettle_store_errors_total", .counter, [], "Times that the data folder failed a build or a request."),
        .init("kettle_trace_spans_exported_total", .counter, [], "Spans that the collector took."),
        .init(
            "kettle_trace_spans_dropped_total", .counter, ["reason"],
            "Spans that were lost: the queue was full, or the collector did not take them."),
        .init("kettle_log_lines_dropped_total", .counter, [], "Lines of the log that nobody read in time."),
        .init("kettle_build_info", .gauge, ["version"], "1, with the version of Kettle."),
        .init("process_resident_memory_bytes", .gauge, [], "Resident memory of the service."),
        .init("process_open_fds", .gauge, [], "Descriptors that are open."),
        .init("process_max_fds", .gauge, [], "Descriptors that may be open."),
        .init("process_start_time_seconds", .gauge, [], "When the service started, in seconds since 1970."),
        .init("process_cpu_seconds_total", .counter, [], "Processor time of the service itself, user and system."),
    ]
}
