import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import Synchronization
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct ShutdownTests {
        private static let slow = Projects.slow(seconds: 600)

        @Test func `SIGTERM lets a running build end, takes no other, and then the service leaves`() async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let source = try await Command.packed(scratch.write(Projects.slow(seconds: 20), to: "p"), as: "source.zip")
            try await Service.run(["--drain", "10min"], data: data) { service in
                let build = try await service.start(FormData(source: source))
                try await eventually { try await Self.isCompiling(build, on: service) }
                async let replay = service.get("/v1/builds/\(build)/events")
                service.send(SIGTERM)
                // A build that came in before the signal was obeyed would be taken, and waited for.
                try await eventually {
                    try await service.get("/v1/ready").json()["checks"]?["accepting"] == "service.stopping"
                }
                #expect(try await service.post("/v1/build", FormData(source: source)).status == 503)

                let events = try await replay.events()
                #expect(events.isWhole(), "\(events.events)")
                #expect(events.result?["status"] == "success")
                try await eventually { !service.isAlive }
            }
            try await Service.run(data: data) { service in
                #expect(service.dataFiles.filter { $0.hasPrefix("work/") } == [])
            }
        }

        @Test func `what has not ended when the drain is over goes on at the next start, its stream too`() async throws
        {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let project = Projects.slow(seconds: 15)
            let source = try await Command.packed(scratch.write(project, to: "p"), as: "source.zip")
            let (build, first) = try await Service.run(["--drain", "0"], data: data) { service in
                let build = try await service.start(FormData(source: source))
                try await eventually { try await Self.isCompiling(build, on: service) }
                let below = service.descendants
                #expect(!below.isEmpty)
                let seen = Mutex(ServerSentEvents())
                let reading = Task {
                    try await service.follow("GET", "/v1/builds/\(build)/events") { bytes in
                        try seen.withLock { try $0.feed(bytes) }
                        return true
                    }
                }
                try await eventually { seen.withLock { !$0.events.isEmpty } }
                service.send(SIGTERM)
                // The response breaks off: nobody takes it for a stream that has ended.
                await #expect(throws: (any Error).self) { try await reading.value }
                try await eventually { !service.isAlive }
                #expect(below.allSatisfy { kill($0, 0) != 0 }, "processes of the build outlived the service")
                return (build, seen.withLock { $0 })
            }
            #expect(first.result == nil)
            try await Service.run(data: data) { service in
                let last = try #require(first.events.last?.id)
                let rest = try await service.get("/v1/builds/\(build)/events?from=\(last)").events()
                #expect(rest.isWhole(from: last + 1), "\(rest.events)")
                #expect(rest.result?["status"] == "success")
                let whole = try await service.get("/v1/builds/\(build)/events").events()
                #expect(whole.events == first.events + rest.events)
            }
        }

        @Test(arguments: [false, true])
        func `a build that was running when the service was killed is begun again`(isLarge: Bool) async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            var project = Projects.slow(seconds: 12)
            // Beyond what is kept in the database.
            if isLarge { project["noise"] = (0..<20_000).map { "\($0 &* 7_919)-\($0 ^ 12_345)" }.joined() }
            let source = try await Command.packed(scratch.write(project, to: "p"), as: "source.zip")
            #expect((source.count > 64 << 10) == isLarge)
            let (build, process) = try await Service.run(data: data) { service in
                let build = try await service.start(FormData(source: source))
                try await eventually { try await Self.isCompiling(build, on: service) }
                let below = service.descendants
                if geteuid() == 0 { #expect(!controlGroups(madeBy: service.processID).isEmpty) }
                service.send(SIGKILL)
                try await eventually { !service.isAlive }
                // The lifeline is cut, so nothing of the build lives on.
                try await eventually { below.allSatisfy { kill($0, 0) != 0 } }
                return (build, service.processID)
            }
            try await Service.run(data: data) { service in
                let events = try await service.get("/v1/builds/\(build)/events").events()
                #expect(events.isWhole())
                #expect(events.result?["status"] == "success")
                #expect(events.messages.contains { $0.contains("beginning again (2 of 3)") })
                // What the first process had made, mounted and grouped is gone, and the source with the build.
                try await eventually {
                    !service.dataFiles.contains { $0.hasPrefix("work/") || $0.hasSuffix("/source") }
                }
                #expect(!contents(of: "/proc/self/mountinfo").contains(data.string))
                #expect(controlGroups(madeBy: process).isEmpty)
                #expect(try await service.get("/v1/builds/\(build)/bundle.zip").status == 200)
            }
        }

        @Test func `a service that has not read all of its toolchains yet stops at once`() async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            // A folder that is there is not lent the digests that other tests' services computed.
            try FileManager.default.createDirectory(atPath: data.string, withIntermediateDirectories: true)
            let asked = try await Service.run(data: data) { service in
                let health = try await service.get("/health")
                #expect(health.status == 200)
                return ContinuousClock.now
            }
            #expect(ContinuousClock.now - asked < .seconds(10))
        }

        @Test func `a build that takes the service down with it is not begun for ever`() async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let source = try await Command.packed(scratch.write(Self.slow, to: "p"), as: "source.zip")
            let build = try await Service.run(data: data) { service in
                let build = try await service.start(FormData(source: source))
                try await eventually { try await Self.isCompiling(build, on: service) }
                service.send(SIGKILL)
                try await eventually { !service.isAlive }
                return build
            }
            try await Service.run(["--attempts", "2"], data: data) { service in
                let log = service.dataFolder.string + "/builds/\(build)/events"
                try await eventually { contents(of: log).components(separatedBy: "Compiling slow").count == 3 }
                service.send(SIGKILL)
                try await eventually { !service.isAlive }
            }
            try await Service.run(["--attempts", "2"], data: data) { service in
                let events = try await service.get("/v1/builds/\(build)/events").events()
                #expect(events.isWhole())
                #expect(events.result?["status"] == "failed")
                #expect(events.result?["code"] == "build.interrupted")
                #expect(events.result?["error"] == "the service ended unexpectedly while the build ran, 2 times")
                #expect(!service.dataFiles.contains { $0.hasPrefix("work/") || $0.hasSuffix("/source") })
            }
        }

        @Test func `a service killed before it could say how a build ended says so at the next start`() async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let stream = try await Service.run(data: data) { try await $0.build(Projects.hello) }
            let build = try #require(stream.buildID)
            // As if the end was recorded and then the process died: the last event is missing, or a part of it.
            let log = URL(filePath: data.string + "/builds/\(build)/events")
            let whole = try Data(contentsOf: log)
            let last = try #require(whole.range(of: Data("id: \(stream.events.count)\n".utf8), options: .backwards))
            try whole.prefix(last.upperBound + 40).write(to: log)

            try await Service.run(data: data) { service in
                let replay = try await service.get("/v1/builds/\(build)/events")
                #expect(replay.body == Array(whole))
            }
        }

        @Test func `a service killed before it could clear a build's folder clears it at the next start`() async throws
        {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            var project = Projects.hello
            project["src/main.rs"] = "no program"
            let stream = try await Service.run(data: data) { [project] in try await $0.build(project) }
            #expect(stream.result?["error_type"] == "BuildFailedError")
            let build = try #require(stream.buildID)
            let folder = try scratch.write(
                ["source": "an archive", "artifacts/0": "collected before it failed"], to: "data/builds/\(build)")

            try await Service.run(data: data) { service in
                #expect(try await service.get("/v1/builds/\(build)/events").events().isWhole())
                let left = try FileManager.default.contentsOfDirectory(atPath: folder.string)
                #expect(Set(left) == ["events", "build.log"])
            }
        }

        @Test func `two services do not share a data folder`() async throws {
            try await Service.run { service in
                _ = await #expect(throws: Service.DidNotStart.self) {
                    try await Service.run(data: service.dataFolder) { _ in true }
                }
            }
        }

        @Test func `a port that is taken is told, and nothing else goes wrong`() async throws {
            try await Service.run { service in
                let port = service.address.split(separator: ":").last.map(String.init) ?? ""
                await #expect {
                    try await Service.run(["--port", port]) { _ in }
                } throws: { error in
                    let said = (error as? Service.DidNotStart)?.description ?? ""
                    return said.contains("Address already in use") && !said.contains("Fatal error")
                }
            }
        }

        @Test func `the key is for its owner alone`() async throws {
            try await Service.run { service in
                let key = service.dataFolder.appending("software-key.pem").string
                let attributes = try FileManager.default.attributesOfItem(atPath: key)
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
        }

        private static func isCompiling(_ build: String, on service: Service) async throws -> Bool {
            let stream = try String(
                contentsOfFile: service.dataFolder.string + "/builds/\(build)/events", encoding: .utf8)
            return stream.contains("Compiling slow")
        }
    }
}
