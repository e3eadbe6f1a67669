import Foundation
import KettleProvenance
import KettleServer
import KettleTesting
import Synchronization
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct ReadinessTests {
        @Test func `a service is ready while it can build, and says by code when it cannot`() async throws {
            try await Service.run { service in
                // What a busy machine has not looked at in time is overdue, and looked at again.
                var answer = try await service.get("/v1/ready")
                try await eventually {
                    answer = try await service.get("/v1/ready")
                    return answer.status == 200
                }
                #expect(
                    try answer.json() == [
                        "status": "ready",
                        "checks": ["accepting": "ok", "disk": "ok", "sandbox": "ok", "store": "ok"],
                    ])
                // The folder of running builds goes away, as when a disk does.
                let work = service.dataFolder.appending("work").string
                try FileManager.default.moveItem(atPath: work, toPath: work + ".gone")
                var problem = answer
                try await eventually {
                    problem = try await service.get("/v1/ready")
                    return try problem.json()["checks"]?["store"] == "store.write_failed"
                }
                #expect(problem.status == 503)
                #expect(problem["Content-Type"] == "application/problem+json")
                #expect(problem["Retry-After"] != nil)
                #expect(try problem.json()["code"] == "service.not_ready")
                #expect(try problem.json()["checks"]?["store"] == "store.write_failed")
                #expect(try problem.json()["checks"]?["disk"] == "ok")
                #expect(!problem.text.contains(service.dataFolder.string))
                #expect(try await service.get("/v1/health").status == 200)
                try FileManager.default.moveItem(atPath: work + ".gone", toPath: work)
                try await eventually { try await service.get("/v1/ready").status == 200 }
            }
        }

        @Test func `while another program holds the database answers come soon, and all is well after it`()
            async throws
        {
            try await Service.run(["--access", "tokens"]) { service in
                let alice = ["Authorization": "Bearer \(try await service.token("alice", ["submit"]))"]
                let scratch = try ScratchFolder()
                let log = scratch.path.appending("log")
                let hold = """
                    import sqlite3, sys, signal
                    base = sqlite3.connect(sys.argv[1], isolation_level=None)
                    base.execute("BEGIN IMMEDIATE")
                    print("held", flush=True)
                    signal.pause()
                    """
                try await HelperProgram.run(
                    "/usr/bin/env", ["python3", "-c", hold, service.dataFolder.appending("kettle.db").string], log: log,
                    isReady: { try String(contentsOfFile: log.string, encoding: .utf8).contains("held") }
                ) {
                    let began = ContinuousClock.now
                    let answer = try await service.get("/ready")
                    #expect(ContinuousClock.now - began < .seconds(10))
                    #expect(answer.status == 503)
                    #expect(try answer.json()["checks"]?["store"] == "store.database_busy")
                    // The quota is counted in the database.
                    let form = FormData(source: Array("PK\u{3}\u{4}".utf8))
                    let refused = try await service.post("/build", form, alice)
                    #expect(refused.status == 503)
                    #expect(try refused.json()["code"] == "store.database_busy")
                    #expect(refused["Retry-After"] != nil)
                }
                try await eventually { try await service.get("/ready").status == 200 }
            }
        }

        @Test func `whoever asks during a look shares it, and a check that hangs is overdue`() async throws {
            let begun = Atomic(0)
            let (gate, opening) = AsyncStream.makeStream(of: Void.self)
            let readiness = Readiness(
                [
                    Readiness.Check("quick") { nil },
                    Readiness.Check("slow", overdue: ("slow.overdue", "it is slow")) {
                        begun.add(1, ordering: .relaxed)
                        for await _ in gate {}
                        return nil
                    },
                ], patience: .seconds(1))
            let codes = await withTaskGroup(of: [String?].self) { group in
                for _ in 0..<20 { group.addTask { await readiness.findings().map(\.failure?.code) } }
                return await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(codes == [[nil, "slow.overdue"]])
            // A second look does not begin what hangs a second time.
            try await Task.sleep(for: .seconds(1.1))
            #expect(await readiness.findings().map(\.failure?.code) == [nil, "slow.overdue"])
            #expect(begun.load(ordering: .relaxed) == 1)
            opening.finish()
            try await eventually { await readiness.findings().allSatisfy { $0.failure == nil } }
        }
    }
}
