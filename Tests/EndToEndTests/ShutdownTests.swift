import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct ShutdownTests {
        private static let slow = Projects.slow(seconds: 600)

        @Test func `SIGTERM ends running builds as failed and closes their streams`() async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let source = try await Command.packed(scratch.write(Self.slow, to: "p"), as: "source.zip")
            let build = try await Service.run(data: data) { service in
                let build = try await service.start(FormData(source: source))
                try await eventually { try await Self.isCompiling(build, on: service) }
                let below = service.descendants
                #expect(!below.isEmpty)

                async let replay = service.get("/v1/builds/\(build)/events")
                try await Task.sleep(for: .milliseconds(200))  // so that the reader is there when the signal comes
                service.send(SIGTERM)

                let events = try await replay.events()
                #expect(events.isWhole(), "\(events.events)")
                #expect(events.result?["status"] == "failed")
                #expect(events.result?["error_type"] == "CancelledError")
                #expect(events.result?["code"] == "service.stopping")
                try await eventually { !service.isAlive }
                #expect(below.allSatisfy { kill($0, 0) != 0 }, "processes of the build outlived the service")
                return build
            }
            // It is found again, and the workspace is gone.
            try await Service.run(data: data) { service in
                let state = try await service.get("/v1/builds/\(build)").json()
                #expect(state["status"] == "failed")
                #expect(try await service.get("/v1/builds/\(build)/events").events().isWhole())
                #expect(!service.dataFiles.contains { $0.hasPrefix("work/") })
            }
        }

        @Test func `a build that was running when the service was killed is ended at the next start`() async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let source = try await Command.packed(scratch.write(Self.slow, to: "p"), as: "source.zip")
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
                #expect(events.result?["status"] == "failed")
                #expect(events.result?["code"] == "build.interrupted")
                // What it had made, mounted and grouped is gone.
                #expect(!service.dataFiles.contains { $0.hasPrefix("work/") })
                #expect(!contents(of: "/proc/self/mountinfo").contains(data.string))
                #expect(controlGroups(madeBy: process).isEmpty)
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

        @Test func `two services do not share a data folder`() async throws {
            try await Service.run { service in
                _ = await #expect(throws: Service.DidNotStart.self) {
                    try await Service.run(data: service.dataFolder) { _ in true }
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
