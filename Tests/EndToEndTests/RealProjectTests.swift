import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// Projects and crates that nobody here wrote, by ZIP, tar.gz and git.
    @Suite(.enabled("the corpus cannot be fetched") { await Corpus.isAvailable })
    struct RealProjectTests {
        @Test(arguments: ["source.zip", "source.tar.gz"])
        func `orjson builds from its sdist with 22 vendored crates`(archive: String) async throws {
            try await Service.run { service in
                let stream = try await service.build(folder: Corpus.orjson, as: archive)

                try await expectVerifiedSuccess(stream, service, artifacts: ["liborjson.so"], crates: 22)
            }
        }

        @Test func `orjson builds from git`() async throws {
            try await GitRepositories.serving { repositories in
                let repository = try await repositories.make("orjson", copying: Corpus.orjson)
                let commit = try await repository.git("rev-parse", "HEAD")
                try await Service.run(["--allow-url", "http://127.0.0.1"]) { service in
                    let stream = try await service.build(FormData(fields: ["repo_url": repository.url]))

                    try await expectVerifiedSuccess(stream, service, artifacts: ["liborjson.so"], crates: 22)
                    let source = try sourceDependency(stream)
                    #expect(source["digest"]?["gitCommit"]?.stringValue == commit)
                }
            }
        }

        @Test func `orjson without its vendored crates builds through a registry`() async throws {
            try await CrateRegistry.run { registry in
                try await Service.run(["--cargo-registry", registry.url]) { service in
                    let stream = try await service.build(folder: Corpus.project("orjson-registry"))

                    try await expectVerifiedSuccess(stream, service, artifacts: ["liborjson.so"], crates: 22)
                    #expect(Set(registry.downloads).count == 22)
                }
            }
        }

        @Test func `a second build downloads nothing and claims the same`() async throws {
            try await CrateRegistry.run { registry in
                try await Service.run(["--cargo-registry", registry.url]) { service in
                    let first = try await service.build(folder: Corpus.project("mirrored"))
                    let downloads = registry.downloads
                    let second = try await service.build(folder: Corpus.project("mirrored"))

                    try await expectVerifiedSuccess(first, service, artifacts: ["mirrored"], crates: 9)
                    try await expectVerifiedSuccess(second, service, artifacts: ["mirrored"], crates: 9)
                    #expect(downloads.count == 9)
                    #expect(registry.downloads == downloads)
                    #expect(phases(first).contains("fetch"))
                    #expect(!phases(second).contains("fetch"))
                    let (one, other) = (try #require(first.result?["provenance"]), second.result?["provenance"])
                    #expect(one["subject"] == other?["subject"])
                    let definitions = (one["predicate"]?["buildDefinition"], other?["predicate"]?["buildDefinition"])
                    #expect(definitions.0?["resolvedDependencies"] == definitions.1?["resolvedDependencies"])
                    #expect(definitions.0?["externalParameters"] == definitions.1?["externalParameters"])
                    let commands = (
                        definitions.0?["internalParameters"]?["commands"]?.arrayValue ?? [],
                        definitions.1?["internalParameters"]?["commands"]?.arrayValue ?? []
                    )
                    // The fetch is told of where there was one.
                    #expect(commands.0.count == 2)
                    #expect(Array(commands.0.dropFirst()) == commands.1)
                }
            }
        }

        @Test func `crates that were changed where they are kept are fetched again, for a build from git`()
            async throws
        {
            try await CrateRegistry.run { registry in
                try await GitRepositories.serving { repositories in
                    let options = ["--cargo-registry", registry.url, "--allow-url", "http://127.0.0.1"]
                    try await Service.run(options) { service in
                        let first = try await service.build(folder: Corpus.project("mirrored"))
                        let kept = try KeptPackages(of: service, "crates")
                        #expect(kept.count == 9)
                        try kept.alter()
                        let second = try await service.build(Corpus.project("mirrored"), from: repositories)

                        for stream in [first, second] {
                            try await expectVerifiedSuccess(stream, service, artifacts: ["mirrored"], crates: 9)
                        }
                        #expect(registry.downloads.count == 18)
                        #expect(try KeptPackages(of: service, "crates") == kept)
                    }
                    // Another service knows nothing of them.
                    try await Service.run(options) { other in
                        let stream = try await other.build(folder: Corpus.project("mirrored"))
                        #expect(stream.result?["status"] == "success")
                    }
                    #expect(registry.downloads.count == 27)
                }
            }
        }

        private func phases(_ stream: ServerSentEvents) -> Set<String> {
            Set(stream.events.compactMap { $0.data["phase"]?.stringValue })
        }

        @Test func `a crate that is not what the lockfile says ends the build`() async throws {
            try await CrateRegistry.run { registry in
                try await Service.run(["--cargo-registry", registry.url]) { service in
                    // Eight of the crates here were packed by the tests and are not upstream's bytes.
                    let stream = try await service.build(folder: Corpus.project("orjson-upstream-lock"))

                    #expect(stream.isWhole())
                    #expect(stream.result?["status"] == "failed")
                    #expect(stream.result?["error_type"] == "DependencyError")
                }
            }
        }

        @Test func `a crate that was changed on the way ends the build`() async throws {
            try await CrateRegistry.run { registry in
                registry.alter("libc-0.2.190.crate")
                try await Service.run(["--cargo-registry", registry.url]) { service in
                    let stream = try await service.build(folder: Corpus.project("mirrored"))

                    #expect(stream.result?["status"] == "failed")
                    #expect(stream.result?["error_type"] == "DependencyError")
                    #expect(stream.messages.contains { $0.contains("libc") })
                }
            }
        }

        @Test func `a small program on crates of the registry builds`() async throws {
            try await CrateRegistry.run { registry in
                try await Service.run(["--cargo-registry", registry.url]) { service in
                    let stream = try await service.build(folder: Corpus.project("mirrored"))

                    try await expectVerifiedSuccess(stream, service, artifacts: ["mirrored"], crates: 9)
                    let scratch = try ScratchFolder()
                    let program = scratch.path.appending("mirrored")
                    try await service.download(
                        "/v1/builds/\(try #require(stream.buildID))/artifacts/mirrored", to: program)
                    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.string)
                    #expect(try await Command.run(program.string, []).output.hasPrefix("kettle "))
                }
            }
        }

        @Test func `a workspace hands over the outputs of all its members`() async throws {
            try await CrateRegistry.run { registry in
                try await Service.run(["--cargo-registry", registry.url]) { service in
                    let stream = try await service.build(folder: Corpus.project("workspace"))

                    try await expectVerifiedSuccess(
                        stream, service, artifacts: ["hash", "number", "liblibrary.so", "liblibrary.a"], crates: 3)
                }
            }
        }

        @Test func `a project that does not compile fails with the compiler's words`() async throws {
            try await CrateRegistry.run { registry in
                try await Service.run(["--cargo-registry", registry.url]) { service in
                    let stream = try await service.build(folder: Corpus.project("broken"))

                    #expect(stream.isWhole())
                    let result = try #require(stream.result)
                    #expect(result["status"] == "failed")
                    #expect(result["error_type"] == "BuildFailedError")
                    #expect(result["exit_code"] == 101)
                    #expect(stream.messages.contains { $0.contains("error[E0308]: mismatched types") })
                    let output = result["output"]?.arrayValue?.compactMap(\.stringValue) ?? []
                    #expect(output.contains { $0.contains("could not compile") })
                    let log = try await service.get("/v1/builds/\(try #require(stream.buildID))/build.log")
                    #expect(log.text.contains("mismatched types"))
                    // Nothing was made, so nothing is claimed.
                    let claim = try await service.get("/v1/builds/\(try #require(stream.buildID))/provenance.json")
                    #expect(claim.status == 404)
                }
            }
        }

        @Test func `a vendored file that was changed after vendoring ends the build`() async throws {
            let scratch = try ScratchFolder()
            let project = scratch.path.appending("orjson")
            try FileManager.default.copyItem(atPath: Corpus.orjson.string, toPath: project.string)
            let file = project.appending(FilePath("include/cargo/zmij-1.0.23/src/lib.rs").components)
            let text = try String(contentsOfFile: file.string, encoding: .utf8)
            try Data((text + "\n// one line more\n").utf8).write(to: URL(filePath: file.string))
            try await Service.run { service in
                let stream = try await service.build(folder: project)

                #expect(stream.result?["status"] == "failed")
                #expect(stream.result?["error_type"] == "DependencyError")
                #expect(stream.result?["code"] == "toolchain.vendored_file_changed")
            }
        }

        private func sourceDependency(_ stream: ServerSentEvents) throws -> JSONValue {
            let definition = stream.result?["provenance"]?["predicate"]?["buildDefinition"]
            return try #require(definition?["resolvedDependencies"]?.arrayValue?.first)
        }

        /// The build succeeded, claims what it should, and its bundle verifies in both forms, only with the key named.
        private func expectVerifiedSuccess(
            _ stream: ServerSentEvents, _ service: Service, artifacts: Set<String>, crates: Int
        ) async throws {
            #expect(stream.isWhole())
            let result = try #require(stream.result)
            #expect(result["status"] == "success", "\(stream.messages.suffix(10)) \(result)")
            let named = result["artifacts"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            #expect(Set(named) == artifacts)

            let definition = result["provenance"]?["predicate"]?["buildDefinition"]
            #expect(definition?["buildType"] == "https://kettle.build/cargo/v1")
            let dependencies = definition?["resolvedDependencies"]?.arrayValue ?? []
            // The project's own packages have a folder in their URL.
            let packages = dependencies.filter { $0["uri"]?.stringValue?.hasPrefix("pkg:cargo/") == true }
            let locked = packages.filter { $0["uri"]?.stringValue?.contains("#") == false }
            #expect(packages.allSatisfy { locked.contains($0) || $0["digest"]?["gitTree"]?.stringValue?.count == 40 })
            #expect(locked.count == crates)
            #expect(locked.allSatisfy { $0["digest"]?["sha256"]?.stringValue?.count == 64 })
            let subjects = result["provenance"]?["subject"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            #expect(Set(subjects) == artifacts)

            let build = try #require(stream.buildID)
            for name in ["bundle.zip", "bundle.tar.gz"] {
                let accepted = try await verify(
                    build, of: service, as: name, ["--software-key", service.publicKey.string])
                #expect(accepted.status == 0, "\(accepted.everything)")
                let rejected = try await verify(build, of: service, as: name, [])
                #expect(rejected.status == 1, "\(rejected.everything)")
            }
        }
    }
}
