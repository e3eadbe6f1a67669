import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct ServiceLogTests {
        @Test func `every request is one line of JSON, without what is secret in it`() async throws {
            let log = try await Service.run(["--log-format", "json"]) { service in
                let port = try #require(service.address.split(separator: ":").last.flatMap { UInt16($0) })
                let hostile = [
                    "GET /v1/builds?token=tell-nobody HTTP/1.1\r\nAuthorization: Bearer tell-nobody\r\n",
                    "GET /v1/\"}{%0A?tell-nobody HTTP/1.1\r\n",
                    "GET /\(String(repeating: "long", count: 5000)) HTTP/1.1\r\n",
                    "GET /named HTTP/1.1\r\nX-Request-Id: deploy-42.a_B\r\n",
                    "GET /forged HTTP/1.1\r\nX-Request-Id: \"}{\"level\":\"critical\r\n",
                ]
                for request in hostile {
                    _ = try await Command.run(
                        "bash",
                        [
                            "-c", "exec 3<>/dev/tcp/127.0.0.1/$0; printf '%s' \"$1\" >&3; cat <&3", "\(port)",
                            request + "Host: x\r\nConnection: close\r\n\r\n",
                        ])
                }
                let build = try #require(try await service.build(Projects.unsupported).buildID)
                // The line of a stream comes when its connection has let go of it, perhaps after that of its build.
                try await eventually {
                    let text = contents(of: service.log.string)
                    let requests = text.components(separatedBy: "\"message\":\"request\"").count - 1
                    return requests >= 6 && text.contains("build ended")
                }
                return (text: contents(of: service.log.string), build: build)
            }
            #expect(!log.text.contains("tell-nobody"))
            let lines = try log.text.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
            for line in lines {
                #expect(line.keys.isSuperset(of: ["time", "level", "logger", "message"]))
                #expect(line["level"] != "critical")
            }
            let requests = lines.filter { $0["message"] == "request" }
            #expect(requests.count == 6)
            for request in requests {
                #expect(request["peer"] == "127.0.0.1")
                #expect(request["request_id"]?.stringValue?.isEmpty == false)
                #expect((request["path"]?.stringValue ?? "").utf8.count <= 800)
                #expect(request["duration_ms"]?.numberValue != nil)
            }
            #expect(requests.first?["status"] == 200)
            #expect(requests.first?["path"] == "/v1/builds")
            #expect(requests.contains { $0["request_id"] == "deploy-42.a_B" })
            let stream = try #require(requests.last)
            #expect(stream["route"] == "/build/stream")
            #expect(stream["build_id"]?.stringValue == log.build)
            #expect((stream["bytes"]?.integerValue ?? 0) > 100)
            #expect(stream["aborted"] == nil)
            // From the request to the end of its build, one id.
            let mine = lines.filter { $0["request_id"] == stream["request_id"] }.compactMap {
                $0["message"]?.stringValue
            }
            #expect(Set(mine) == ["stream began", "request", "build started", "build ended"])
            #expect(lines.filter { $0["build_id"]?.stringValue == log.build }.count == 4)
        }

        @Test func `the answer names the request, by the caller's word if that is plain`() async throws {
            try await Service.run { service in
                #expect(try await service.get("/health", ["X-Request-Id": "abc-1"])["X-Request-Id"] == "abc-1")
                for offered in ["", "two words", "a;b", String(repeating: "x", count: 65), "é"] {
                    let given = try #require(
                        try await service.get("/nowhere", ["X-Request-Id": offered])["X-Request-Id"])
                    #expect(given != offered)
                    #expect(given.count == 16 && given.allSatisfy(\.isHexDigit))
                }
            }
        }

        @Test func `the lines of requests can be turned off, and the level chosen`() async throws {
            let quiet = try await Service.run(["--no-access-log"]) { service in
                _ = try await service.build(Projects.unsupported)
                try await eventually { contents(of: service.log.string).contains("build ended") }
                return contents(of: service.log.string)
            }
            #expect(!quiet.contains(": request "))
            #expect(quiet.contains(" build_id="))
            let silent = try await Service.run(["--log-level", "error"]) { service in
                _ = try await service.build(Projects.unsupported)
                _ = try await service.get("/nowhere")
                return contents(of: service.log.string)
            }
            #expect(silent.isEmpty)
            await #expect(throws: Service.DidNotStart.self) { try await Service.run(["--log-format", "xml"]) { _ in } }
        }
    }
}
