import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct MetricsTests {
        @Test func `the documentation names every metric, with its type and its labels`() async throws {
            let page = contents(of: Corpus.checkout.appending(FilePath("docs/observing.md").components).string)
            let documented = page.split(separator: "\n").compactMap { line -> Documented? in
                let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
                guard line.hasPrefix("| `"), cells.count == 4, ["counter", "gauge", "histogram"].contains(cells[1])
                else {
                    return nil
                }
                let labels = cells[2].split(separator: ",").filter { $0 != "—" }.map {
                    $0.trimmingCharacters(in: [" ", "`"])
                }
                return Documented(name: cells[0].replacing("`", with: ""), type: cells[1], labels: labels)
            }
            try await Service.run { service in
                _ = try await service.build(Projects.hello)
                let served = try await service.metrics {
                    $0.value("kettle_builds_ended_total", ["outcome": "success"]) == 1
                }
                #expect(Set(served.types.keys) == Set(documented.map(\.name)))
                for metric in documented {
                    #expect(served.types[metric.name] == metric.type, "\(metric.name)")
                    let suffix = metric.type == "histogram" ? "_count" : ""
                    for sample in served.samples where sample.name == metric.name + suffix {
                        #expect(Set(sample.labels.keys) == Set(metric.labels), "\(metric.name)")
                    }
                }
            }
        }

        @Test func `known requests are counted, each once and where it belongs`() async throws {
            try await Service.run { service in
                for path in [
                    "/health", "/v1/health", "/api/health", "/v1/builds/nonsense", "/v1/builds/none", "/nowhere",
                ] {
                    _ = try await service.get(path)
                }
                _ = try await service.send("HEAD", "/health")
                _ = try await service.send("DELETE", "/health")
                _ = try await service.send("POST", "/v1/build", [:], Array("12345".utf8))
                let hello = try #require(try await service.build(Projects.hello).result)
                _ = try await service.build(Projects.unsupported)
                // The client has the last byte a moment before the service is done with the answer.
                let served = try await service.metrics {
                    $0.sum("kettle_builds_ended_total") == 2 && $0.value("kettle_http_event_streams") == 0
                        && $0.value("kettle_http_requests_in_flight") == 1 && $0.value("kettle_build_slots_busy") == 0
                }
                func requests(_ route: String, _ method: String, _ status: String) -> Double? {
                    served.value(
                        "kettle_http_requests_total", ["route": route, "method": method, "status": status])
                }
                #expect(requests("/health", "GET", "200") == 3)
                #expect(requests("/health", "HEAD", "200") == 1)
                #expect(requests("other", "DELETE", "405") == 1)
                #expect(requests("/builds/{id}", "GET", "404") == 2)
                #expect(requests("other", "GET", "404") == 1)
                #expect(requests("/build", "POST", "415") == 1)
                #expect(requests("/build/stream", "POST", "200") == 2)
                #expect(
                    served.value("kettle_http_request_duration_seconds_count", ["route": "/health", "method": "GET"])
                        == 3)
                #expect(served.value("kettle_builds_started_total") == 2)
                let ended = "kettle_builds_ended_total"
                #expect(served.value(ended, ["toolchain": "cargo", "outcome": "success"]) == 1)
                #expect(served.value(ended, ["toolchain": "none", "outcome": "UnsupportedToolchainError"]) == 1)
                #expect(
                    served.value(
                        "kettle_build_duration_seconds_count", ["toolchain": "cargo", "outcome": "success"]) == 1)
                let size = try #require(hello["artifacts"]?.arrayValue?.first?["size"]?.integerValue)
                #expect(served.value("kettle_build_artifact_bytes_total") == Double(size))
                #expect((served.value("kettle_build_events_total") ?? 0) > 10)
                #expect((served.value("kettle_http_received_bytes_total") ?? 0) > 500)
                // The one that asks.
                #expect(served.value("kettle_http_requests_in_flight") == 1)
                #expect(served.value("kettle_http_event_streams") == 0)
                #expect(served.value("kettle_build_slots_busy") == 0)
                #expect(served.value("kettle_store_errors_total") == 0)
                #expect((served.value("process_resident_memory_bytes") ?? 0) > 10e6)
                #expect((served.value("process_open_fds") ?? 0) > 5)
                let started = try #require(served.value("process_start_time_seconds"))
                #expect(abs(Date.now.timeIntervalSince1970 - started) < 1800)
                let version = try #require(try await service.get("/health").json()["version"]?.stringValue)
                #expect(served.value("kettle_build_info", ["version": version]) == 1)
            }
        }

        @Test func `a build that runs, one that waits and their streams are seen`() async throws {
            try await Service.run(["--slots", "1"]) { service in
                let scratch = try ScratchFolder()
                let slow = try await Command.packed(
                    scratch.write(Projects.slow(seconds: 600), to: "slow"), as: "source.zip")
                let streams = (0..<2).map { _ in
                    Task { try await service.post("/build/stream", FormData(source: slow)) }
                }
                _ = try await service.metrics {
                    $0.value("kettle_build_slots_busy") == 1 && $0.value("kettle_build_queue_depth") == 1
                        && ($0.value("kettle_build_queue_oldest_seconds") ?? 0) > 0
                        && $0.value("kettle_http_event_streams") == 2
                }
                // A client that goes away gives its stream back; the heartbeat, at the latest, notices.
                for stream in streams { stream.cancel() }
                for stream in streams { _ = await stream.result }
                _ = try await service.metrics { $0.value("kettle_http_event_streams") == 0 }
                let builds = try await service.get("/v1/builds").json()["builds"]?.arrayValue ?? []
                #expect(builds.count == 2)
                for build in builds {
                    let id = try #require(build["build_id"]?.stringValue)
                    #expect(try await service.send("DELETE", "/v1/builds/\(id)").status == 200)
                }
                _ = try await service.metrics {
                    $0.value("kettle_build_queue_depth") == 0 && $0.value("kettle_build_slots_busy") == 0
                        && $0.value("kettle_http_requests_in_flight") == 1
                }
            }
        }

        @Test func `a limit that ends a build is counted by its name`() async throws {
            try await Service.run(["--limit", "output-bytes=1024"]) { service in
                _ = try await service.build(Projects.slow(seconds: 0, warnings: 200))
                let served = try await service.metrics { $0.sum("kettle_builds_ended_total") == 1 }
                #expect(served.value("kettle_build_limits_total", ["limit": "output bytes"]) == 1)
                #expect(
                    served.value("kettle_builds_ended_total", ["toolchain": "cargo", "outcome": "LimitExceededError"])
                        == 1)
            }
        }

        @Test func `ten thousand made-up paths and methods add no series of their own`() async throws {
            try await Service.run(["--no-access-log"]) { service in
                let methods = [
                    "GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "MKCOL", "LOCK", "SEARCH", "PURGE",
                ]
                try await withThrowingTaskGroup { group in
                    for worker in 0..<8 {
                        group.addTask {
                            for number in 0..<1250 {
                                let word = "\(worker)-\(number)-\(UInt64.random(in: 0 ... .max))"
                                let prefix = ["/", "/v1/builds/", "/api/builds/x/artifacts/"][number % 3]
                                _ = try await service.send(methods[number % methods.count], prefix + word)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let served = try await service.metrics { _ in true }
                let requests = served.samples.filter { $0.name == "kettle_http_requests_total" }
                #expect(requests.reduce(0) { $0 + $1.value } == 10_000)
                #expect(
                    Set(requests.compactMap { $0.labels["route"] })
                        == ["other", "/builds/{id}", "/builds/{id}/artifacts/{name}"])
                let known: Set<String?> = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "other"]
                #expect(Set(requests.map { $0.labels["method"] }).isSubset(of: known))
                #expect(requests.count < 40)
            }
        }
    }
}

private struct Documented {
    var name: String
    var type: String
    var labels: [String]
}

/// What a service served at `/metrics`.
private struct ServedMetrics {
    struct Sample {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    var types: [String: String] = [:]
    var samples: [Sample] = []

    /// Reads values without escapes, which is all that the tests cause.
    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if line.hasPrefix("# TYPE "), words.count == 4 { types[words[2]] = words[3] }
            guard !line.hasPrefix("#"), let last = words.last, let value = Double(last) else { continue }
            let parts = line.dropLast(last.count + 1).split(separator: "{", maxSplits: 1)
            var labels: [String: String] = [:]
            for pair in (parts.count > 1 ? parts[1].dropLast() : "").split(separator: ",") {
                let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
                if sides.count == 2 { labels[sides[0]] = sides[1].replacing("\"", with: "") }
            }
            samples.append(Sample(name: String(parts.first ?? ""), labels: labels, value: value))
        }
    }

    /// The value of the series that has these labels; nil where there is none.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        samples.first { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }?.value
    }

    func sum(_ name: String) -> Double { samples.filter { $0.name == name }.reduce(0) { $0 + $1.value } }
}

extension Service {
    /// Reads the metrics until they satisfy a condition: what ends a build is counted a moment after its last event left.
    fileprivate func metrics(until isEnough: (ServedMetrics) -> Bool) async throws -> ServedMetrics {
        var served = ServedMetrics("")
        try await eventually {
            let answer = try await get("/metrics")
            guard answer.status == 200, answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8" else {
                throw Refused(answer: answer)
            }
            served = ServedMetrics(answer.text)
            return isEnough(served)
        }
        return served
    }
}
