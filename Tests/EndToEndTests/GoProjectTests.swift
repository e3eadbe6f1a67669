import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// Real Go projects through the service, by ZIP and git.
    @Suite(.enabled("the Go corpus cannot be made") { await GoCorpus.isAvailable })
    struct GoProjectTests {
        @Test func `go-toml and a library build from a ZIP and from git`() async throws {
            try await GitRepositories.serving { repositories in
                let options = ["--allow-url", "http://127.0.0.1"]
                try await Service.run(options, environment: GoCorpus.environment) { service in
                    for stream in [
                        try await service.build(folder: GoCorpus.goTOML),
                        try await service.build(GoCorpus.goTOML, from: repositories),
                    ] {
                        try await expectVerifiedSuccess(
                            stream, service, artifacts: ["jsontoml", "tomljson", "tomll", "tomltestgen"], modules: 0)
                    }
                    for stream in [
                        try await service.build(folder: GoCorpus.uuid),
                        try await service.build(GoCorpus.uuid, from: repositories),
                    ] {
                        // The module's own zip, of a version that names the source.
                        let digest = try sourceDigest(stream)
                        try await expectVerifiedSuccess(
                            stream, service, artifacts: ["uuid@v0.0.0-00010101000000-\(digest.prefix(12)).zip"],
                            modules: 0)
                    }
                }
            }
        }

        @Test func `a program on two modules builds, and again, vendored and from git, with what was kept changed`()
            async throws
        {
            try await GoModuleProxy.run { proxy in
                try await GitRepositories.serving { repositories in
                    let options = ["--go-proxy", proxy.url, "--allow-url", "http://127.0.0.1"]
                    try await Service.run(options, environment: GoCorpus.environment) { service in
                        let first = try await service.build(folder: GoCorpus.project("hello"))
                        let kept = try KeptPackages(of: service, "go-modules")
                        #expect(kept.count == 4)
                        try kept.alter()
                        let second = try await service.build(GoCorpus.project("hello-vendored"), from: repositories)

                        for stream in [first, second] {
                            try await expectVerifiedSuccess(stream, service, artifacts: ["hello"], modules: 2)
                        }
                        // A vendored module's go.mod is not needed.
                        #expect(proxy.downloads.count == 4 + 2)
                    }
                }
            }
        }

        @Test func `a module that was changed on the way, in vendor or in go.sum ends the build`() async throws {
            let scratch = try ScratchFolder()
            let (hello, vendored) = (GoCorpus.project("hello"), GoCorpus.project("hello-vendored"))
            let other = try Data(
                contentsOf: URL(filePath: "\(GoCorpus.proxy)/github.com/pkg/errors/@v/v0.9.1.zip"))
            try await GoModuleProxy.run { proxy in
                try await Service.run(["--go-proxy", proxy.url], environment: GoCorpus.environment) { service in
                    let (mod, zip) = ("github.com/google/uuid/@v/v1.3.0.mod", "github.com/google/uuid/@v/v1.3.0.zip")
                    proxy.alter(zip) { _ in Array(other) }
                    let files = try await service.build(folder: hello)
                    try expectRefusal(files, "toolchain.unusable_package", naming: "github.com/google/uuid@v1.3.0")
                    proxy.alter(zip) { $0 }
                    proxy.alter(mod)
                    let manifest = try await service.build(folder: hello)
                    try expectRefusal(
                        manifest, "toolchain.sum_mismatch", naming: "github.com/google/uuid@v1.3.0/go.mod")
                    proxy.alter(mod) { $0 }

                    let lockfile = try scratch.copy(hello, changing: "go.sum") {
                        $0.replacing("v1.3.0 h1:t6Ji", with: "v1.3.0 h1:t7Ji")
                    }
                    let locked = try await service.build(folder: lockfile)
                    try expectRefusal(locked, "toolchain.sum_mismatch", naming: "github.com/google/uuid@v1.3.0")

                    let file = "vendor/github.com/pkg/errors/errors.go"
                    let changed = try await service.build(
                        folder: try scratch.copy(vendored, changing: file) { $0 + "// changed\n" })
                    try expectRefusal(
                        changed, "toolchain.vendored_file_changed", naming: "github.com/pkg/errors@v0.9.1")
                    let added = try scratch.copy(vendored, changing: file) { $0 + "// moved\n" }
                    let folder = added.appending(FilePath("vendor/github.com/pkg/errors").components)
                    try FileManager.default.moveItem(atPath: "\(folder)/errors.go", toPath: "\(folder)/evil.go")
                    try expectRefusal(
                        try await service.build(folder: added), "toolchain.vendored_file_unlisted", naming: "evil.go")
                }
            }
        }

        /// What a library's version is made of: the commit, or the archive's digest.
        private func sourceDigest(_ stream: ServerSentEvents) throws -> String {
            let definition = stream.result?["provenance"]?["predicate"]?["buildDefinition"]
            let digests = definition?["resolvedDependencies"]?.arrayValue?.first?["digest"]
            return try #require((digests?["gitCommit"] ?? digests?["sha256"])?.stringValue, "\(stream.messages)")
        }

        private func expectVerifiedSuccess(
            _ stream: ServerSentEvents, _ service: Service, artifacts: Set<String>, modules: Int
        ) async throws {
            let result = try #require(stream.result)
            #expect(result["status"] == "success", "\(stream.messages.suffix(10)) \(result)")
            let named = result["artifacts"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            #expect(Set(named) == artifacts)
            let definition = result["provenance"]?["predicate"]?["buildDefinition"]
            #expect(definition?["buildType"] == "https://kettle.build/go/v1")
            let dependencies = definition?["resolvedDependencies"]?.arrayValue ?? []
            let packages = dependencies.filter { $0["uri"]?.stringValue?.hasPrefix("pkg:golang/") == true }
            #expect(packages.count == modules)
            #expect(packages.allSatisfy { !($0["digest"]?.keys ?? []).isEmpty })
            #expect(dependencies.suffix(2).map { $0["name"]?.stringValue } == ["go", "go-toolchain"])
            let build = try #require(stream.buildID)
            let accepted = try await verify(build, of: service, ["--software-key", service.publicKey.string])
            #expect(accepted.status == 0, "\(accepted.everything)")
            let rejected = try await verify(build, of: service, [])
            #expect(rejected.status == 1, "\(rejected.everything)")
        }
    }
}
