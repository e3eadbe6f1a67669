package import CoreMetrics
import Synchronization

/// The metrics of the process: swift-metrics hands it what is emitted, `GET /metrics` has it written out.
///
/// Memory is bounded: what is served is settled at the start, what has another name is not kept, and a metric has at most
/// ``seriesLimit`` series. Labels beyond that all go to one series, whose labels say `overflow`.
package final class MetricsRegistry: Sendable {
    /// Series of one metric, the one of the overflow not counted.
    package static let seriesLimit = 500

    /// The type of ``text()`` (Prometheus, text exposition format 0.0.4).
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private let families: [String: Family]
    private let readers = Mutex<[@Sendable () -> Void]>([])

    package init(_ definitions: [MetricDefinition] = MetricDefinition.all) {
        families = Dictionary(definitions.map { ($0.name, Family($0)) }, uniquingKeysWith: { first, _ in first })
    }

    /// Has `read` called before the metrics are written out, to set what is looked up rather than counted.
    package func beforeReading(_ read: @escaping @Sendable () -> Void) {
        readers.withLock { $0.append(read) }
    }

    /// Sets a number that something else counts.
    func set(_ name: String, _ labels: [(String, String)] = [], to value: Double) {
        families[name]?.series(labels).set(value)
    }

    /// All metrics as Prometheus reads them: text exposition format 0.0.4, sorted by name and labels.
    package func text() -> String {
        for read in readers.withLock({ $0 }) { read() }
        return families.values.sorted { $0.definition.name < $1.definition.name }.map(\.text).joined()
    }

    private func series(_ name: String, _ labels: [(String, String)], _ fits: (MetricDefinition.Kind) -> Bool)
        -> MetricSeries?
    {
        guard let family = families[name], fits(family.definition.kind) else { return nil }
        return family.series(labels)
    }
}

extension MetricsRegistry: MetricsFactory {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions) { $0 == .counter } ?? NOOPMetricsHandler.instance
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions) { $0 == .counter } ?? NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions) { $0 == .gauge } ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        series(label, dimensions) { $0 != .counter && ($0 == .gauge) != aggregate } ?? NOOPMetricsHandler.instance
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions) { $0 != .counter && $0 != .gauge } ?? NOOPMetricsHandler.instance
    }

    // A series stays for as long as the process: whoever let go of it may ask for it again.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}

/// One metric with its series.
private final class Family: Sendable {
    let definition: MetricDefinition
    private let series = Mutex<[[String]: MetricSeries]>([:])

    init(_ definition: MetricDefinition) {
        self.definition = definition
        // What has no labels is there from the start, as 0: an alert can tell it from a metric that there is not.
        if definition.labels.isEmpty { _ = series([]) }
    }

    func series(_ labels: [(String, String)]) -> MetricSeries {
        let values = definition.labels.map { name in labels.first { $0.0 == name }?.1 ?? "" }
        return series.withLock { series in
            if let known = series[values] { return known }
            let overflow = definition.labels.map { _ in "overflow" }
            let key = series.count < MetricsRegistry.seriesLimit ? values : overflow
            if let known = series[key] { return known }
            let made = MetricSeries(definition.kind)
            series[key] = made
            return made
        }
    }

    var text: String {
        var text = "# HELP \(definition.name) \(Self.escaped(definition.help))\n"
        text += "# TYPE \(definition.name) \(definition.kind.word)\n"
        let all = series.withLock { $0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        for (values, series) in all {
            let reading = series.reading
            let labels = zip(definition.labels, values).map { "\($0)=\"\(Self.escaped($1, quoted: true))\"" }
            guard case .histogram(let bounds) = definition.kind else {
                text += Self.line(definition.name, labels, reading.value)
                continue
            }
            var count: UInt64 = 0
            for (bound, fell) in zip(bounds.map(Self.number) + ["+Inf"], reading.buckets) {
                count += fell
                text += Self.line(definition.name + "_bucket", labels + ["le=\"\(bound)\""], Double(count))
            }
            text += Self.line(definition.name + "_sum", labels, reading.value)
            text += Self.line(definition.name + "_count", labels, Double(count))
        }
        return text
    }

    private static func line(_ name: String, _ labels: [String], _ value: Double) -> String {
        "\(name)\(labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}") \(number(value))\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escaped(_ text: String, quoted: Bool = false) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\"" where quoted: result.append(contentsOf: "\\\"".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
