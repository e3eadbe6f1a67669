import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct TraceTests {
        private static let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

        @Test func `a build is a trace of its request, with a span for every step`() async throws {
            let collector = TraceCollector()
            let build = try await LoopbackServer.run(collector.router) { port in
                let environment: [String: String] = [
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(port)", "OTEL_SERVICE_NAME": "kettle-test",
                    "OTEL_EXPORTER_OTLP_HEADERS": "x-token=a%20secret",
                ]
                return try await Service.run(environment: environment) { service in
                    let scratch = try ScratchFolder()
                    let source = try await Command.packed(scratch.write(Projects.hello, to: "p"), as: "source.zip")
                    let stream = try await service.post(
                        "/v1/build/stream", FormData(source: source),
                        ["traceparent": Self.caller, "X-Request-Id": "r-1"])
                    _ = try await service.build(Projects.unsupported)
                    return try stream.events().buildID
                }
                // What had ended was sent before the process did.
            }
            #expect(collector.header("x-token") == "a secret")
            let resource = try #require(collector.requests.first?["resourceSpans"]?.arrayValue?.first?["resource"])
            #expect(resource.attribute("service.name") == "kettle-test")

            let ours = collector.spans.filter { $0["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736" }
            func span(_ name: String) throws -> JSONValue {
                try #require(ours.first { $0["name"]?.stringValue == name })
            }
            let request = try span("POST /build/stream")
            #expect(request["parentSpanId"] == "00f067aa0ba902b7")
            #expect(request["kind"] == 2)
            #expect(request.attribute("kettle.request.id") == "r-1")
            #expect(request.attribute("http.response.status_code") == "200")
            #expect(request.attribute("http.route") == "/build/stream")
            let whole = try span("build")
            #expect(whole["parentSpanId"] == request["spanId"])
            #expect(whole.attribute("kettle.build.id") == build)
            #expect(whole.attribute("kettle.build.toolchain") == "cargo")
            #expect(whole.attribute("kettle.build.outcome") == "success")
            for step in ["source", "detect", "fetch", "inputs", "build", "provenance", "attest", "seal"] {
                let span = try span("build \(step)")
                #expect(span["parentSpanId"] == whole["spanId"], "\(step)")
                #expect(span.attribute("kettle.build.id") == build)
                for key in ["startTimeUnixNano", "endTimeUnixNano"] {
                    let time = try #require(span[key]?.stringValue.flatMap { UInt64($0) })
                    #expect(time > 1_700_000_000_000_000_000)
                }
            }
            let ids = ours.compactMap { $0["spanId"]?.stringValue }
            #expect(Set(ids).count == ours.count)
            #expect(ids.allSatisfy { $0.count == 16 })

            let failed = try #require(
                collector.spans.first { $0.attribute("kettle.build.outcome") == "UnsupportedToolchainError" })
            #expect(failed["traceId"] != "4bf92f3577b34da6a3ce929d0e0e4736")
            #expect(failed["status"]?["code"] == 2)
            #expect(failed["events"]?.arrayValue?.first?.attribute("exception.type") == "toolchain.unsupported")
        }

        @Test func `what the caller does not sample is not sent`() async throws {
            let collector = TraceCollector()
            try await LoopbackServer.run(collector.router) { port in
                let environment: [String: String] = [
                    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:\(port)/v1/traces"
                ]
                try await Service.run(environment: environment) { service in
                    let unsampled = String(Self.caller.dropLast() + "0")
                    _ = try await service.get("/v1/builds", ["traceparent": unsampled])
                    _ = try await service.get("/v1/health", ["traceparent": "nonsense"])
                }
            }
            #expect(collector.spans.compactMap { $0["name"]?.stringValue } == ["GET /health"])
        }

        @Test func `a collector that is not there costs traces and nothing else`() async throws {
            let nobody = LoopbackListener.freePair()
            let environment: [String: String] = [
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(nobody)/"
            ]
            try await Service.run(environment: environment) { service in
                let stream = try await service.build(Projects.hello)
                #expect(stream.result?["status"] == "success")
                try await eventually {
                    try await service.get("/metrics").text
                        .contains(#"kettle_trace_spans_dropped_total{reason="not_taken"}"#)
                }
                // It is said once, not with every batch; the log is written by a thread of its own.
                try await eventually { contents(of: service.log.string).contains("traces are lost") }
                let said = contents(of: service.log.string).split(separator: "\n").count {
                    $0.contains("traces are lost")
                }
                #expect(said == 1)
            }
        }

        @Test(arguments: [
            ["OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"],
            ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_SAMPLER": "sometimes"],
            ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"],
            [
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
                "OTEL_EXPORTER_OTLP_HEADERS": "x-token=a%0Asecret",
            ],
        ])
        func `variables that cannot be followed keep the service from starting`(variables: [String: String])
            async throws
        {
            let error = try await #require(throws: Service.DidNotStart.self) {
                try await Service.run(environment: variables) { _ in }
            }
            #expect(error.description.contains("error: OTEL_"))
            #expect(!error.description.contains("secret"))
        }
    }
}
