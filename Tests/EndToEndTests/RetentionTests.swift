import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct RetentionTests {
        @Test func `an artifact that two builds made is stored once, and found by its digest while one has it`()
            async throws
        {
            try await Service.run { service in
                var builds: [String] = []
                var digests: Set<String> = []
                for _ in 0..<2 {
                    let stream = try await service.build(Projects.hello)
                    builds.append(try #require(stream.buildID))
                    let artifact = stream.result?["artifacts"]?.arrayValue?.first
                    digests.insert(try #require(artifact?["sha256"]?.stringValue))
                }
                let digest = try #require(digests.first)
                #expect(digests.count == 1)
                let pooled = service.dataFolder.appending("artifacts").appending(digest).string
                // After the end is told: nobody waits for it.
                try await eventually { linkCount(pooled) == 3 }
                let path = "/v1/artifacts/sha256/\(digest)"
                let byName = try await service.get("/v1/builds/\(builds[0])/artifacts/hello")
                let byDigest = try await service.get(path)
                #expect(byDigest.status == 200)
                #expect(byDigest.body == byName.body)
                #expect(byDigest["ETag"] == "\"\(digest)\"")
                #expect(try await service.get("/v1/artifacts/sha256/\(digest.uppercased())").status == 200)

                #expect(try await service.send("DELETE", "/v1/builds/\(builds[0])").status == 204)
                #expect(linkCount(pooled) == 2)
                #expect(try await service.get(path).body == byName.body)
                #expect(try await service.send("DELETE", "/v1/builds/\(builds[1])").status == 204)
                #expect(linkCount(pooled) == nil)
                #expect(try await service.get(path).status == 404)
                for text in ["00", digest + "0", "%00", String(repeating: "g", count: 64)] {
                    #expect(try await service.get("/v1/artifacts/sha256/\(text)").status == 404, "\(text)")
                }
            }
        }

        @Test func `a pruned build keeps statement, evidence and digests, and says of the rest that it is gone`()
            async throws
        {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let (old, new, digest, before) = try await Service.run(data: data) { service in
                let old = try await service.build(Projects.hello)
                let build = try #require(old.buildID)
                _ = try await service.get("/v1/builds/\(build)/bundle.zip")
                let new = try #require(try await service.build(Projects.unsupported).buildID)
                let digest = old.result?["artifacts"]?.arrayValue?.first?["sha256"]?.stringValue
                return (
                    build, new, try #require(digest), try await service.get("/v1/builds/\(build)/provenance.json").body
                )
            }
            try await Service.run(["--keep-builds", "1"], data: data) { service in
                let base = "/v1/builds/\(old)"
                try await eventually { try await service.get("\(base)/bundle.zip").status == 410 }
                #expect(try await service.get("\(base)/provenance.json").body == before)
                #expect(try await service.get("\(base)/evidence.json").status == 200)
                #expect(try await service.get(base).json()["status"] == "success")
                let gone = try await service.get("\(base)/artifacts/hello")
                #expect(gone.status == 410)
                #expect(try gone.json()["detail"]?.stringValue?.contains(digest) == true)
                for path in [
                    "\(base)/build.log", "\(base)/events", "\(base)/sbom.cdx.json", "\(base)/build-config/Cargo.lock",
                    "/v1/artifacts/sha256/\(digest)", "/v1/build/\(old)/events", "/v1/build/\(old)/result",
                ] {
                    let answer = try await service.get(path)
                    #expect(answer.status == 410, "\(path)")
                    #expect(try answer.json()["code"] == "build.pruned", "\(path)")
                }
                // Told to be sets: two arrays of a set's members are equal by chance only.
                let kept: Set = ["builds/\(old)", "builds/\(old)/provenance.json", "builds/\(old)/evidence.json"]
                try await eventually { Set(service.dataFiles.filter { $0.contains(old) }) == kept }
                try await eventually { !service.dataFiles.contains("artifacts/\(digest)") }
                #expect(try await service.get("/v1/builds/\(new)/events").status == 200)
                let list = try await service.get("/v1/builds").json()["builds"]?.arrayValue ?? []
                #expect(list.map { $0["pruned"] ?? false } == [false, true])
            }
        }
    }
}

private func linkCount(_ path: String) -> Int? {
    try? FileManager.default.attributesOfItem(atPath: path)[.referenceCount] as? Int
}
