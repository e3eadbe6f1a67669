import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct CancelTests {
        /// The shortest time that cancelling took, of up to six: a machine that has other things to do may be late several times.
        private static func shortest(
            _ first: Duration, on service: Service, _ start: () async throws -> String
        ) async throws -> Duration {
            var shortest = first
            for _ in 0..<5 where shortest >= .seconds(1) {
                let build = try await start()
                let began = ContinuousClock.now
                _ = try await service.send("DELETE", "/v1/builds/\(build)")
                shortest = min(shortest, began.duration(to: .now))
            }
            return shortest
        }

        @Test func `DELETE ends a running build within a second, to its last process, and then forgets it`()
            async throws
        {
            let scratch = try ScratchFolder()
            let source = try await Command.packed(
                scratch.write(Projects.slow(seconds: 600), to: "p"), as: "source.zip")
            try await Service.run { service in
                let build = try await service.startCompiling(source)
                let below = service.descendants
                #expect(!below.isEmpty)
                async let replay = service.get("/v1/builds/\(build)/events")
                let start = ContinuousClock.now
                let answer = try await service.send("DELETE", "/v1/builds/\(build)")
                let events = try await replay.events()
                let took = start.duration(to: .now)

                #expect(answer.status == 200)
                #expect(try answer.json()["error_type"] == "CancelledError")
                #expect(try answer.json()["code"] == "build.cancelled")
                #expect(events.isWhole())
                #expect(events.result == (try answer.json()))
                try await eventually { below.allSatisfy { kill($0, 0) != 0 } }
                try await eventually { !service.dataFiles.contains { $0.hasPrefix("work/") } }
                #expect(try await service.get("/v1/builds/\(build)/build.log").status == 200)

                #expect(try await service.send("DELETE", "/v1/builds/\(build)").status == 204)
                #expect(!service.dataFiles.contains { $0.contains(build) })
                for path in ["", "/events", "/build.log"] {
                    #expect(try await service.get("/v1/builds/\(build)\(path)").status == 404)
                }
                #expect(try await service.send("DELETE", "/v1/builds/\(build)").status == 404)
                let shortest = try await Self.shortest(took, on: service) {
                    try await service.startCompiling(source)
                }
                #expect(shortest < .seconds(1))
            }
        }

        @Test func `what was being collected when a build was cancelled is not kept`() async throws {
            var project = Projects.hello
            project["kettle.toml"] = "artifacts = [\"made/*.bin\"]\n"
            // Holes take no room in the workspace; as artifacts they are written out.
            project["build.rs"] = """
                fn main() {
                    std::fs::create_dir_all("made").unwrap();
                    for name in ["a", "b"] {
                        std::fs::File::create(format!("made/{name}.bin")).unwrap().set_len(1 << 29).unwrap();
                    }
                }
                """
            let scratch = try ScratchFolder()
            let source = try await Command.packed(scratch.write(project, to: "p"), as: "source.zip")
            try await Service.run { service in
                let build = try await service.start(FormData(source: source))
                let folder = "builds/\(build)/artifacts"
                try await eventually { service.dataFiles.contains { $0.hasPrefix(folder) } }
                let answer = try await service.send("DELETE", "/v1/builds/\(build)")
                #expect(try answer.json()["code"] == "build.cancelled")
                try await eventually { !service.dataFiles.contains { $0.hasPrefix("work/") } }
                try await eventually { !service.dataFiles.contains { $0.hasPrefix(folder) } }
            }
        }

        @Test func `DELETE after the end forgets a failed build at once`() async throws {
            var project = Projects.hello
            project["src/main.rs"] = "no program"
            try await Service.run { [project] service in
                for _ in 0..<10 {
                    let build = try #require(try await service.build(project).buildID)
                    #expect(try await service.send("DELETE", "/v1/builds/\(build)").status == 204)
                }
            }
        }

        @Test func `a build that waits for its turn is cancelled, and the line closes up`() async throws {
            let scratch = try ScratchFolder()
            let slow = try await Command.packed(scratch.write(Projects.slow(seconds: 600), to: "p"), as: "source.zip")
            try await Service.run(["--slots", "1"]) { service in
                let running = try await service.startCompiling(slow)
                let first = try await service.startWaiting(slow, at: 1)
                let second = try await service.startWaiting(slow, at: 2)
                let answer = try await service.send("DELETE", "/v1/builds/\(first)")
                #expect(try answer.json()["code"] == "build.cancelled")
                try await eventually { try await service.get("/v1/builds/\(second)").json()["position"] == 1 }
                for build in [running, second] { _ = try await service.send("DELETE", "/v1/builds/\(build)") }
                // Who cancels is answered, though a process may take longer to end.
                try await eventually { service.descendants.isEmpty }
            }
        }

        @Test func `a build that fetches from a forge that never answers is cancelled within a second`() async throws {
            let forge = try LoopbackListener()
            defer { forge.close() }
            try await Service.run(["--allow-url", "http://127.0.0.1:\(forge.port)/"]) { service in
                @Sendable func startFetching() async throws -> String {
                    try await eventually { service.descendants.isEmpty }
                    let build = try await service.start(
                        FormData(fields: ["repo_url": "http://127.0.0.1:\(forge.port)/a/b"]))
                    try await eventually { !service.descendants.isEmpty }
                    return build
                }
                let build = try await startFetching()
                let start = ContinuousClock.now
                let answer = try await service.send("DELETE", "/v1/builds/\(build)")
                let took = start.duration(to: .now)
                #expect(try answer.json()["code"] == "build.cancelled")
                let shortest = try await Self.shortest(took, on: service, startFetching)
                #expect(shortest < .seconds(1))
                try await eventually { service.descendants.isEmpty }
            }
        }

        @Test func `POST build is answered when somebody else cancels its build`() async throws {
            let scratch = try ScratchFolder()
            let slow = try await Command.packed(scratch.write(Projects.slow(seconds: 600), to: "p"), as: "source.zip")
            try await Service.run { service in
                async let waiting = service.post("/v1/build", FormData(source: slow))
                var build: String?
                try await eventually {
                    build = try await service.get("/v1/builds").json()["builds"]?.arrayValue?.first?["build_id"]?
                        .stringValue
                    return build != nil
                }
                _ = try await service.send("DELETE", "/v1/builds/\(try #require(build))")
                let answer = try await waiting
                #expect(answer.status == 400)
                #expect(try answer.json()["error_type"] == "CancelledError")
            }
        }
    }
}
