import KettleProvenance
import KettleTesting
import Synchronization
import Testing

extension EndToEnd {
    @Suite struct EventTests {
        @Test func `a replay is the stream again, from the start or after any event`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let source = try await Command.packed(scratch.write(Projects.hello, to: "p"), as: "source.zip")
                let live = try await service.post("/v1/build/stream", FormData(source: source))
                let stream = try live.events()
                let build = try #require(stream.buildID)
                let path = "/v1/builds/\(build)/events"
                #expect(stream.isWhole())

                #expect(try await service.get(path).body == live.withoutComments)
                let count = stream.events.count
                for seen in [1, 2, count - 1] {
                    let rest = try await service.get("\(path)?from=\(seen)").events()
                    #expect(rest.events == Array(stream.events.dropFirst(seen)), "from=\(seen)")
                    let resumed = try await service.get(path, ["Last-Event-ID": "\(seen)"]).events()
                    #expect(resumed.events == rest.events, "Last-Event-ID: \(seen)")
                }
                // A browser repeats the URL that it began with and adds the header.
                let both = try await service.get("\(path)?from=1", ["Last-Event-ID": "2"]).events()
                #expect(both.events.first?.id == 3)
                #expect(try await service.get("\(path)?from=\(count)").status == 204)
                for from in ["-1", "x", "1.5", "99999999999999999999"] {
                    #expect(try await service.get("\(path)?from=\(from)").status == 400, "from=\(from)")
                    let both = try await service.get("\(path)?from=\(from)", ["Last-Event-ID": "2"])
                    #expect(both.status == 400, "from=\(from), and a header that is right")
                }
            }
        }

        @Test func `a client that hangs up does not end its build`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let project = try scratch.write(Projects.slow(seconds: 8), to: "p")
                let source = try await Command.packed(project, as: "source.zip")
                let build = try await service.start(FormData(source: source))
                #expect(try await service.get("/v1/builds/\(build)").json()["status"] == "running")

                let events = try await service.get("/v1/builds/\(build)/events").events()

                #expect(events.isWhole())
                #expect(events.result?["status"] == "success")
            }
        }

        @Test func `a line of the compiler arrives while the build still runs`() async throws {
            try await Service.run { service in
                let scratch = try ScratchFolder()
                let project = try scratch.write(Projects.slow(seconds: 600), to: "p")
                let source = try await Command.packed(project, as: "source.zip")
                let seen = Mutex((stream: ServerSentEvents(), wasRunning: false))
                try await service.follow("POST", "/v1/build/stream", form: FormData(source: source)) { bytes in
                    let build = try seen.withLock { seen in
                        try seen.stream.feed(bytes)
                        let isCompiling = seen.stream.messages.contains { $0.contains("Compiling slow") }
                        return isCompiling ? seen.stream.buildID : nil
                    }
                    guard let build else { return true }
                    let isRunning = try await service.get("/v1/builds/\(build)").json()["status"] == "running"
                    seen.withLock { $0.wasRunning = isRunning }
                    return false
                }
                let (stream, wasRunning) = seen.withLock { ($0.stream, $0.wasRunning) }
                #expect(wasRunning)
                let line = stream.events.first { $0.message?.contains("Compiling slow") == true }
                #expect(line?.data["stream"] == "stderr")
                #expect(line?.data["phase"] == "build")
            }
        }

        @Test func `a thousand readers of one running build each get every event once and in order`() async throws {
            let readers = 1000
            try await Service.run { service in
                let scratch = try ScratchFolder()
                // Long enough for a thousand connections to be made while it runs.
                let project = try scratch.write(Projects.slow(seconds: 60, warnings: 300), to: "p")
                let build = try await service.start(
                    FormData(source: try await Command.packed(project, as: "source.zip")))
                let connected = Connected()
                let digests = try await withThrowingTaskGroup(of: ContentDigest.self) { group in
                    for _ in 0..<readers {
                        group.addTask {
                            let received = Mutex<[UInt8]>([])
                            try await service.follow("GET", "/v1/builds/\(build)/events") { bytes in
                                let isFirst = received.withLock { received in
                                    defer { received += bytes }
                                    return received.isEmpty
                                }
                                if isFirst { connected.count.withLock { $0 += 1 } }
                                return true
                            }
                            // Comments keep an idle stream alive and are no events.
                            let stream = String(decoding: received.withLock { $0 }, as: UTF8.self)
                            return ContentDigest(of: Array(stream.replacing(": alive\n\n", with: "").utf8))
                        }
                    }
                    try await eventually { connected.count.withLock { $0 } == readers }
                    #expect(try await service.get("/v1/builds/\(build)").json()["status"] == "running")
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let replay = try await service.get("/v1/builds/\(build)/events")
                let events = try replay.events()
                #expect(events.isWhole())
                #expect(events.result?["status"] == "success")
                #expect(events.events.count > 300)
                #expect(digests.count == readers)
                #expect(Set(digests) == [ContentDigest(of: replay.body)])
            }
        }
    }
}

/// How many readers have their first event.
private final class Connected: Sendable {
    let count = Mutex(0)
}
