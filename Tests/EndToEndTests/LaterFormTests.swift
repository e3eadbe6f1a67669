import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// The later published form (API section 1.4).
    @Suite struct LaterFormTests {
        private static func submit(_ members: JSONValue, to service: Service) async throws -> Answer {
            try await service.send(
                "POST", "/api/build", ["Content-Type": "application/json"], members.canonicalBytes())
        }

        @Test func `a source as base64 is answered at once, its events are typed, its result is a tarball`()
            async throws
        {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let source = try await Command.packed(
                    scratch.write(Projects.slow(seconds: 6), to: "p"), as: "source.zip")
                let nonce = "00112233445566778899aabbccddeeff"
                let answer = try await Self.submit(
                    [
                        "nonce": .string(nonce), "source_data": .string(Data(source).base64EncodedString()),
                        "source_name": "my-project.zip",
                    ], to: service)
                #expect(answer.status == 200)
                let job = try #require(try answer.json()["job_id"]?.stringValue)
                #expect(try answer.json() == ["job_id": .string(job)])
                #expect(try await service.get("/api/build/\(job)/result").status == 404)

                let typed = try await service.get("/api/build/\(job)/events").events()
                let plain = try await service.get("/api/builds/\(job)/events").events()
                #expect(typed.events.map(\.id) == plain.events.map(\.id))
                #expect(typed.events.last?.data == ["type": "complete", "status": "ok"])
                let types = typed.events.dropLast().map { $0.type ?? "" }
                #expect(Set(types) == ["init", "detect", "build", "provenance", "attest"])
                #expect(
                    typed.events.dropLast().map { $0.data["msg"] } == plain.events.dropLast().map { $0.data["message"] }
                )
                let last = typed.events.count
                #expect(
                    try await service.get("/api/build/\(job)/events?from=2").events().events
                        == Array(typed.events[2...]))
                #expect(try await service.get("/api/build/\(job)/events?from=\(last)").status == 204)

                let result = try await service.get("/api/build/\(job)/result")
                #expect(result.status == 200)
                #expect(result["Content-Type"] == "application/gzip")
                let archive = scratch.path.appending("result.tar.gz")
                try Data(result.body).write(to: URL(filePath: archive.string))
                let listed = try await Command.run("tar", ["-tzf", archive.string]).output
                #expect(
                    listed.split(separator: "\n").map(String.init).sorted() == [
                        "my-project/artifacts/slow", "my-project/evidence.json", "my-project/provenance.json",
                    ])
                let statement = plain.result?["provenance"]
                #expect(statement?["predicate"]?["buildDefinition"]?["externalParameters"]?["nonce"] == .string(nonce))
            }
        }

        @Test func `a failure is told in the later form's words`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let source = try await Command.packed(scratch.write(Projects.unsupported, to: "p"), as: "source.zip")
                let answer = try await Self.submit(
                    ["source_data": .string(Data(source).base64EncodedString())], to: service)
                let job = try #require(try answer.json()["job_id"]?.stringValue)
                let last = try await service.get("/build/\(job)/events").events().events.last
                #expect(last?.data["status"] == "failed")
                #expect(last?.data["error_type"] == "UnsupportedToolchainError")
                #expect(last?.data["error"]?.stringValue?.isEmpty == false)
                #expect(try await service.get("/build/\(job)/result").status == 404)
            }
        }

        @Test func `what is wrong with the JSON is said, and leaves nothing`() async throws {
            try await Service.run { service in
                let bodies: [(String, Int, String)] = [
                    ("", 400, "request.not_json"), ("[]", 400, "request.not_json"), ("{", 400, "request.not_json"),
                    (#"{"nonce":"00112233445566778899aabbccddeeff"}"#, 400, "request.no_source"),
                    (#"{"source_data":"@@"}"#, 400, "request.bad_member"),
                    (#"{"source_data":""}"#, 400, "request.bad_member"),
                    (#"{"source_data":17}"#, 400, "request.bad_member"),
                    (#"{"source_data":"aGVsbG8="}"#, 400, "request.not_an_archive"),
                    (#"{"source_data":"UEsDBA==","repo_ref":"main"}"#, 400, "request.ref_with_source"),
                    (#"{"source_data":"UEsDBA==","repo_url":"https://example.com/a"}"#, 400, "request.two_sources"),
                    (#"{"repo_url":"ftp://example.com/a"}"#, 400, "source.url_scheme_not_allowed"),
                    (#"{"repo_url":"https://example.com/a","nonce":"12"}"#, 400, "request.bad_parameter"),
                    (#"{"repo_url":"https://example.com/a","colour":"red"}"#, 400, "request.bad_member"),
                    (#"{"source_data":""# + String(repeating: "A", count: 17 << 20) + #""}"#, 413, "request.too_large"),
                ]
                for (body, status, code) in bodies {
                    let answer = try await service.send(
                        "POST", "/build", ["Content-Type": "application/json; charset=utf-8"], Array(body.utf8))
                    #expect(answer.status == status, "\(body.prefix(80))")
                    #expect(try answer.json()["code"]?.stringValue == code, "\(body.prefix(80))")
                }
                // Only the form streams.
                let stream = try await service.send(
                    "POST", "/build/stream", ["Content-Type": "application/json"], Array("{}".utf8))
                #expect(stream.status == 415)
                #expect(service.dataFiles.allSatisfy { !$0.hasPrefix("builds/") && !$0.hasPrefix("work/") })
            }
        }

        @Test(arguments: [
            (#"{"nonce":["#, #"{"":1}"#, "]}"), ("[", "1", "]"), (#"{"nonce":"#, "[", ""),
        ])
        func `JSON of many small values takes no more memory than its bytes`(
            head: String, unit: String, tail: String
        ) async throws {
            try await Service.run { service in
                let count = 8 << 20
                let separator = tail.isEmpty ? "" : ","
                let body = Array(
                    (head + String(repeating: unit + separator, count: count / (unit.utf8.count + 1)) + tail).utf8)
                try service.resetPeakMemory()
                let before = try service.memory("VmHWM")
                let answer = try await service.send("POST", "/build", ["Content-Type": "application/json"], body)
                #expect(answer.status == 400)
                #expect(try answer.json()["code"] == "request.not_json")
                #expect(try service.memory("VmHWM") - before < 64 << 20)
            }
        }
    }
}
