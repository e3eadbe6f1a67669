import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import Testing

extension EndToEnd {
    @Suite struct QueueTests {
        private static func packed(_ project: [String: String]) async throws -> [UInt8] {
            let scratch = try ScratchFolder()
            return try await Command.packed(scratch.write(project, to: "p"), as: "source.zip")
        }

        @Test func `builds beyond the slots are told their place as it comes closer, and the list shows it`()
            async throws
        {
            let (slow, hello) = (
                try await Self.packed(Projects.slow(seconds: 600)), try await Self.packed(Projects.hello)
            )
            try await Service.run(["--slots", "1"]) { service in
                let first = try await service.startCompiling(slow)
                _ = try await service.startWaiting(hello, at: 1)
                let last = try await service.startWaiting(hello, at: 2)
                let list = try await service.get("/v1/builds").json()["builds"]?.arrayValue ?? []
                #expect(list.map { $0["status"] } == ["queued", "queued", "running"])
                // Not before all this was seen, however long that takes.
                #expect(try await service.send("DELETE", "/v1/builds/\(first)").status == 200)

                let events = try await service.get("/v1/builds/\(last)/events").events()
                let places = events.events.filter { $0.data["phase"] == "queued" }.map { $0.data["position"] }
                #expect(places == [2, 1])
                #expect(events.isWhole())
                #expect(events.result?["status"] == "success")
            }
        }

        @Test func `a full queue is told with Retry-After, and is open again when a build has left`() async throws {
            let slow = try await Self.packed(Projects.slow(seconds: 600))
            try await Service.run(["--slots", "1", "--queue", "1"]) { service in
                let first = try await service.startCompiling(slow)
                let second = try await service.startWaiting(slow, at: 1)
                for path in ["/v1/build", "/v1/build/stream"] {
                    let refused = try await service.post(path, FormData(source: slow))
                    #expect(refused.status == 429)
                    #expect(Int(refused["Retry-After"] ?? "") ?? 0 > 0)
                    #expect(try refused.json()["code"] == "service.queue_full")
                }
                #expect(try await service.send("DELETE", "/v1/builds/\(second)").status == 200)
                // Who cancels is answered before the build has left.
                try await eventually { try await service.get("/v1/ready").json()["checks"]?["accepting"] == "ok" }
                let third = try await service.start(FormData(source: slow))
                for build in [first, third] {
                    #expect(try await service.send("DELETE", "/v1/builds/\(build)").status == 200)
                }
            }
        }

        @Test func `an Idempotency-Key makes a second request the same build, whichever route it comes by`()
            async throws
        {
            let hello = try await Self.packed(Projects.hello)
            try await Service.run { service in
                let key = ["Idempotency-Key": "\"release-1.2\""]
                async let once = service.post("/v1/build/stream", FormData(source: hello), key)
                async let twice = service.post("/v1/build/stream", FormData(source: hello), key)
                let streams = try await [once, twice]
                #expect(streams[0].withoutComments == streams[1].withoutComments)
                let result = try #require(try streams[0].events().result)

                let waited = try await service.post(
                    "/v1/build", FormData(source: hello), ["Idempotency-Key": "release-1.2"])
                #expect(waited.status == 200)
                #expect(try waited.json() == result)
                #expect(waited["Location"] == streams[0]["Location"])
                #expect(try await service.get("/v1/builds").json()["builds"]?.arrayValue?.count == 1)

                var other = FormData(source: hello)
                other.add("nonce", "00112233445566778899aabbccddeeff")
                let reused = try await service.post("/v1/build", other, key)
                #expect(reused.status == 422)
                #expect(try reused.json()["code"] == "request.key_reused")
                for bad in ["", "\"", "\"a\"b\"", String(repeating: "k", count: 256), "k\u{E9}"] {
                    let answer = try await service.post("/v1/build", FormData(source: hello), ["Idempotency-Key": bad])
                    #expect(answer.status == 400, "\(bad)")
                }
                #expect(try await service.get("/v1/builds").json()["builds"]?.arrayValue?.count == 1)
            }
        }

        @Test func `a failed build is answered again as it was`() async throws {
            let unsupported = try await Self.packed(Projects.unsupported)
            try await Service.run { service in
                let key = ["Idempotency-Key": "once"]
                let first = try await service.post("/v1/build", FormData(source: unsupported), key)
                let second = try await service.post("/v1/build", FormData(source: unsupported), key)
                #expect(first.status == 400)
                #expect(second.status == 400)
                #expect(first.body == second.body)
            }
        }
    }
}
