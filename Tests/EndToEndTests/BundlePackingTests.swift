import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct BundlePackingTests {
        /// A binary of some 64 MB that hardly compress: packing takes seconds.
        private static let large: [String: String] = [
            "Cargo.toml": Projects.manifest("large"), "Cargo.lock": Projects.lockfile("large"),
            "build.rs": """
            fn main() {
                let (mut state, mut bytes) = (88172645463325252u64, Vec::with_capacity(64 << 20));
                for _ in 0..8 << 20 {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    bytes.extend_from_slice(&state.to_le_bytes());
                }
                std::fs::write(std::env::var("OUT_DIR").unwrap() + "/noise", bytes).unwrap();
            }

            """,
            "src/main.rs": """
            static NOISE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/noise"));
            fn main() { println!("{}", NOISE[std::env::args().count()]); }

            """,
        ]

        @Test func `however many ask for bundles, each is packed once, two at a time, and the service answers`()
            async throws
        {
            try await Service.run { service in
                let build = try #require(try await service.build(Self.large).buildID)
                let paths = ["builds/\(build)/bundle.zip", "builds/\(build)/bundle.tar.gz", "build/\(build)/result"]
                try await withThrowingTaskGroup { group in
                    for path in paths {
                        for method in ["HEAD", "HEAD", "HEAD", "GET"] {
                            group.addTask {
                                let answer = try await service.send(method, "/v1/\(path)")
                                #expect(answer.status == 200, "\(path)")
                                return answer["ETag"].map { "\(path) \($0)" }
                            }
                        }
                    }
                    try await eventually { !service.drafts.isEmpty }
                    // Not a look at the clock: what is asked now is answered before the packing has ended.
                    let packed = service.drafts
                    try await eventually { try await service.get("/ready").status == 200 }
                    #expect(try await service.build(Projects.unsupported).result != nil)
                    #expect(!service.drafts.isDisjoint(with: packed), "the service waited for the packing")

                    var seen = packed
                    try await eventually {
                        let drafts = service.drafts
                        #expect(drafts.count <= 2)
                        seen.formUnion(drafts)
                        return service.dataFiles.isSuperset(
                            of: ["zip", "tar.gz", "project.tar.gz"].map { "builds/\(build)/bundle.\($0)" })
                    }
                    let tags = try await group.reduce(into: Set<String?>()) { $0.insert($1) }
                    #expect(tags.count == paths.count)
                    #expect(!tags.contains(nil))
                    #expect(seen.count <= paths.count, "a bundle was packed twice")
                }
                #expect(service.drafts.isEmpty)
            }
        }

        @Test func `a packing goes on without who asked for it`() async throws {
            try await Service.run { service in
                let build = try #require(try await service.build(Self.large).buildID)
                let asking = Task { try await service.send("HEAD", "/v1/builds/\(build)/bundle.zip") }
                try await eventually { !service.drafts.isEmpty }
                asking.cancel()
                _ = await asking.result
                try await eventually { service.dataFiles.contains("builds/\(build)/bundle.zip") }
            }
        }

        @Test func `below the room that is kept on the disk nothing is packed`() async throws {
            let scratch = try ScratchFolder()
            let data = scratch.path.appending("data")
            let build = try await Service.run(data: data) { service in
                let build = try #require(try await service.build(Projects.hello).buildID)
                #expect(try await service.get("/v1/builds/\(build)/bundle.zip").status == 200)
                return build
            }
            try await Service.run(["--min-free-disk", "64TiB"], data: data) { service in
                #expect(try await service.get("/v1/builds/\(build)/bundle.zip").status == 200)
                for path in ["builds/\(build)/bundle.tar.gz", "build/\(build)/result"] {
                    let answer = try await service.get("/v1/\(path)")
                    #expect(answer.status == 503, "\(path)")
                    #expect(try answer.json()["code"] == "service.disk_low", "\(path)")
                    #expect(answer["Retry-After"] != nil, "\(path)")
                }
            }
        }
    }
}

extension EndToEnd.BundlePackingTests {
    @Test(arguments: ["bundle.zip", "bundle.tar.gz", "bundle.project.tar.gz"])
    func `a bundle that the last process packed and did not record is gone at the next start`(
        name: String
    ) async throws {
        let scratch = try ScratchFolder()
        let data = scratch.path.appending("data")
        let build = try await Service.run(data: data) { service in
            try #require(try await service.build(Projects.hello).buildID)
        }
        // As a process leaves it that is killed between the two.
        let place = data.appending("builds").appending(build).appending(name)
        let draft = data.appending("work").appending("\(build).\(name).bundle")
        try Data("packed".utf8).write(to: URL(filePath: draft.string))
        try FileManager.default.linkItem(atPath: draft.string, toPath: place.string)
        try await Service.run(data: data) { service in
            #expect(!FileManager.default.fileExists(atPath: place.string))
            #expect(!FileManager.default.fileExists(atPath: draft.string))
            let bundle = try await service.get("/v1/builds/\(build)/bundle.zip")
            #expect(bundle.status == 200)
        }
        // One that was recorded stays, though its draft was still there.
        try FileManager.default.linkItem(
            atPath: place.removingLastComponent().appending("bundle.zip").string,
            toPath:
                data.appending("work").appending("\(build).bundle.zip.bundle").string)
        try await Service.run(data: data) { service in
            let bundle = try await service.get("/v1/builds/\(build)/bundle.zip")
            #expect(bundle.status == 200)
        }
    }
}

extension Service {
    /// The bundles that are being written.
    fileprivate var drafts: Set<String> { dataFiles.filter { $0.hasPrefix("work/") && $0.hasSuffix(".bundle") } }
}
