import KettleTelemetry
import Metrics
import Testing

@Suite struct MetricsRegistryTests {
    private let registry = MetricsRegistry([
        .init("jobs_total", .counter, ["kind"], "Jobs,\nby \\kind."),
        .init("depth", .gauge, [], "Depth."),
        .init("time_seconds", .histogram(bounds: [0.5, 2]), [], "Time."),
    ])

    @Test func `what was emitted is written as Prometheus reads it, byte for byte`() {
        Counter(label: "jobs_total", dimensions: [("kind", "a\"b\\c\nd")], factory: registry).increment(by: 2)
        Counter(label: "jobs_total", dimensions: [("kind", "a\"b\\c\nd")], factory: registry).increment()
        Meter(label: "depth", factory: registry).set(2.5)
        let timer = Timer(label: "time_seconds", factory: registry)
        timer.recordMilliseconds(500)
        timer.recordSeconds(1)
        timer.recordSeconds(3)
        #expect(
            registry.text() == #"""
                # HELP depth Depth.
                # TYPE depth gauge
                depth 2.5
                # HELP jobs_total Jobs,\nby \\kind.
                # TYPE jobs_total counter
                jobs_total{kind="a\"b\\c\nd"} 3
                # HELP time_seconds Time.
                # TYPE time_seconds histogram
                time_seconds_bucket{le="0.5"} 1
                time_seconds_bucket{le="2"} 2
                time_seconds_bucket{le="+Inf"} 3
                time_seconds_sum 4.5
                time_seconds_count 3

                """#)
    }

    @Test func `a metric has a settled number of series, and what is beyond goes to one`() {
        for number in 0..<MetricsRegistry.seriesLimit + 1000 {
            Counter(label: "jobs_total", dimensions: [("kind", "\(number)")], factory: registry).increment()
        }
        let lines = registry.text().split(separator: "\n").filter { $0.hasPrefix("jobs_total{") }
        #expect(lines.count == MetricsRegistry.seriesLimit + 1)
        #expect(lines.contains(#"jobs_total{kind="overflow"} 1000"#))
    }

    @Test func `what nobody defined, and what is of another kind, is not kept`() {
        Counter(label: "stranger_total", factory: registry).increment()
        Counter(label: "depth", factory: registry).increment()
        Gauge(label: "jobs_total", factory: registry).record(7)
        Timer(label: "depth", factory: registry).recordSeconds(7)
        let text = registry.text()
        #expect(!text.contains("stranger"))
        #expect(text.contains("\ndepth 0\n"))
        #expect(!text.contains("7"))
    }

    @Test func `additions from many tasks are all counted`() async {
        await withTaskGroup { [registry] group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        Counter(label: "jobs_total", dimensions: [("kind", "x")], factory: registry).increment()
                    }
                }
            }
        }
        #expect(registry.text().contains(#"jobs_total{kind="x"} 8000"#))
    }
}
