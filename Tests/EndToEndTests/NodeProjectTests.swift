import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// Packages that nobody here wrote, and a small project on them, built by npm.
    @Suite(.enabled("needs npm and Debian's packages") { await NodeCorpus.isAvailable })
    struct NodeProjectTests {
        @Test(arguments: [("glob", 8, ["glob-8.0.3.tgz"]), ("semver", 1, ["semver-7.3.5.tgz"])])
        func `a package of Debian's builds from a ZIP, and from git with all that was kept changed`(
            name: String, packages: Int, artifacts: [String]
        ) async throws {
            try await NodeRegistry.run { registry in
                try await GitRepositories.serving { repositories in
                    let options = ["--npm-registry", registry.url, "--allow-url", "http://127.0.0.1"]
                    try await Service.run(options) { service in
                        let first = try await service.build(folder: NodeCorpus.project(name))
                        let kept = try KeptPackages(of: service, "node-packages")
                        #expect(kept.count == packages)
                        try kept.alter()
                        let second = try await service.build(NodeCorpus.project(name), from: repositories)

                        for stream in [first, second] {
                            try await expectVerifiedSuccess(
                                stream, service, artifacts: Set(artifacts), packages: packages)
                        }
                        #expect(registry.downloads.count == 2 * packages)
                        #expect(try KeptPackages(of: service, "node-packages") == kept)
                        let subjects = [first, second].map { $0.result?["provenance"]?["subject"] }
                        #expect(subjects[0] == subjects[1])
                    }
                }
            }
        }

        @Test func `a project that bundles builds from git, the second time without downloads`() async throws {
            try await NodeRegistry.run { registry in
                try await GitRepositories.serving { repositories in
                    let repository = try await repositories.make("bundled", copying: NodeCorpus.project("bundled"))
                    let commit = try await repository.git("rev-parse", "HEAD")
                    try await Service.run(
                        ["--npm-registry", registry.url, "--allow-url", "http://127.0.0.1"]
                    ) { service in
                        let form = FormData(fields: ["repo_url": repository.url])
                        let first = try await service.build(form)
                        let downloads = registry.downloads.count
                        let second = try await service.build(form)

                        for stream in [first, second] {
                            try await expectVerifiedSuccess(
                                stream, service, artifacts: ["dist.tar", "kettle-tests-bundled-1.2.3.tgz"], packages: 5)
                            let dependencies = try dependencies(of: stream)
                            #expect(dependencies.first?["digest"]?["gitCommit"]?.stringValue == commit)
                        }
                        #expect(registry.downloads.count == downloads)
                        let subjects = [first, second].map { $0.result?["provenance"]?["subject"] }
                        #expect(subjects[0] != nil && subjects[0] == subjects[1])
                        #expect(try dependencies(of: first) == dependencies(of: second))
                    }
                }
            }
        }

        @Test func `a tarball that was changed on the way, in the lockfile or in the source ends the build`()
            async throws
        {
            let scratch = try ScratchFolder()
            let glob = NodeCorpus.project("glob")
            try await NodeRegistry.run { registry in
                try await Service.run(["--npm-registry", registry.url]) { service in
                    registry.alter("minimatch-5.1.1.tgz")
                    let mirror = try await service.build(folder: glob)
                    try expectRefusal(mirror, "toolchain.checksum_mismatch", naming: "minimatch@5.1.1")
                    registry.alter("minimatch-5.1.1.tgz") { $0 }

                    // The digest of another package, which is kept by now.
                    let lockfile = try scratch.copy(glob, changing: "package-lock.json") { text in
                        let once = integrity(of: "once", in: text)
                        return text.replacing(integrity(of: "wrappy", in: text), with: once)
                    }
                    let locked = try await service.build(folder: lockfile)
                    try expectRefusal(locked, "toolchain.checksum_mismatch", naming: "wrappy@1.0.2")

                    let vendored = try scratch.copy(glob, changing: "package-lock.json") {
                        $0.replacing("https://registry.npmjs.org/wrappy/-/wrappy-1.0.2.tgz", with: "file:wrappy.tgz")
                    }
                    let tarball = NodeCorpus.registry.appending(FilePath("wrappy/-/wrappy-1.0.2.tgz").components)
                    let inSource = vendored.appending("wrappy.tgz").string
                    try FileManager.default.copyItem(atPath: tarball.string, toPath: inSource)
                    let whole = try await service.build(folder: vendored)
                    #expect(whole.result?["status"] == "success", "\(whole.messages.suffix(10))")
                    try (Data(contentsOf: URL(filePath: inSource)) + [0]).write(to: URL(filePath: inSource))
                    let changed = try await service.build(folder: vendored)
                    try expectRefusal(changed, "toolchain.checksum_mismatch", naming: "wrappy@1.0.2")
                }
            }
        }

        /// The `integrity` of a package in a lockfile.
        private func integrity(of name: String, in lockfile: String) -> String {
            let entry = lockfile.components(separatedBy: "\"node_modules/\(name)\"").last ?? ""
            let value = entry.components(separatedBy: "\"integrity\": \"").dropFirst().first ?? ""
            return String(value.prefix { $0 != "\"" })
        }

        @Test func `a lockfile that was changed ends the build`() async throws {
            let scratch = try ScratchFolder()
            let project = scratch.path.appending("glob")
            try FileManager.default.copyItem(atPath: NodeCorpus.project("glob").string, toPath: project.string)
            let lockfile = project.appending("package-lock.json").string
            let text = try String(contentsOfFile: lockfile, encoding: .utf8)
            try await NodeRegistry.run { registry in
                try await Service.run(["--npm-registry", registry.url]) { service in
                    for (change, code) in [
                        ("sha512-", "toolchain.malformed_file"),
                        ("https://registry.npmjs.org/once/-/once-1.4.0.tgz", "toolchain.malformed_file"),
                        ("\"lockfileVersion\": 3", "toolchain.unknown_lockfile_version"),
                    ] {
                        let changed = ["sha512-": "sha512-A", "\"lockfileVersion\": 3": "\"lockfileVersion\": 1"][
                            change]
                        try Data(
                            text.replacing(
                                change, with: changed ?? "https://registry.npmjs.org/wrappy/-/wrappy-1.0.2.tgz"
                            ).utf8
                        ).write(to: URL(filePath: lockfile))
                        try expectRefusal(
                            try await service.build(folder: project), code, naming: "package-lock.json")
                    }
                    #expect(registry.downloads.isEmpty)
                }
            }
        }

        private func dependencies(of stream: ServerSentEvents) throws -> [JSONValue] {
            let definition = stream.result?["provenance"]?["predicate"]?["buildDefinition"]
            return try #require(definition?["resolvedDependencies"]?.arrayValue)
        }

        /// The build succeeded, claims what it should, and its bundle verifies only with the key named.
        private func expectVerifiedSuccess(
            _ stream: ServerSentEvents, _ service: Service, artifacts: Set<String>, packages: Int
        ) async throws {
            #expect(stream.isWhole())
            let result = try #require(stream.result)
            #expect(result["status"] == "success", "\(stream.messages.suffix(10)) \(result)")
            #expect(result["build_system"] == "npm")
            let named = result["artifacts"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            #expect(Set(named) == artifacts)
            #expect(result["build_config"]?["name"] == "package-lock.json")

            let definition = result["provenance"]?["predicate"]?["buildDefinition"]
            #expect(definition?["buildType"] == "https://kettle.build/npm/v1")
            let dependencies = try dependencies(of: stream)
            let locked = dependencies.filter { $0["uri"]?.stringValue?.hasPrefix("pkg:npm/") == true }
            #expect(locked.count == packages)
            #expect(locked.allSatisfy { $0["digest"]?["sha512"]?.stringValue?.count == 128 })
            #expect(dependencies.contains { $0["name"] == "node" } && dependencies.contains { $0["name"] == "npm" })

            let build = try #require(stream.buildID)
            let accepted = try await verify(build, of: service, ["--software-key", service.publicKey.string])
            #expect(accepted.status == 0, "\(accepted.everything)")
            let rejected = try await verify(build, of: service, [])
            #expect(rejected.status == 1, "\(rejected.everything)")
        }
    }
}
