import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// Real Python projects through the service, by ZIP and git.
    @Suite(.enabled("the Python corpus cannot be made") { await PythonCorpus.isAvailable })
    struct UvProjectTests {
        /// flask's backend is the operator's, that of the other one is in its lockfile.
        @Test(arguments: [
            ("flask-3.1.3", "flask-3.1.3", "flit-core@3.12.0"),
            ("uv_dynamic_versioning-0.11.2", "uv_dynamic_versioning-0.11.2", "hatchling@1.27.0"),
        ])
        func `a project builds from a ZIP, and from git with all that was kept changed`(
            project: String, artifact: String, backend: String
        ) async throws {
            let folder = PythonCorpus.sdists.appending(project)
            try await PythonMirror.run { mirror in
                try await GitRepositories.serving { repositories in
                    let options = [
                        "--pypi-files", mirror.url, "--build-backends", PythonCorpus.backends.string, "--allow-url",
                        "http://127.0.0.1",
                    ]
                    try await Service.run(options, environment: PythonCorpus.environment) { service in
                        let first = try await service.build(folder: folder)
                        let (kept, downloads) = (try KeptPackages(of: service, "python-packages"), mirror.downloads)
                        #expect(kept.count > 0 && kept.count == downloads.count)
                        try kept.alter()
                        let second = try await service.build(folder, from: repositories)

                        for stream in [first, second] {
                            try await expectVerifiedSuccess(
                                stream, service, artifacts: ["\(artifact)-py3-none-any.whl", "\(artifact).tar.gz"],
                                needing: "pkg:pypi/\(backend)")
                        }
                        #expect(mirror.downloads.count == 2 * downloads.count)
                        #expect(try KeptPackages(of: service, "python-packages") == kept)
                    }
                }
            }
        }

        /// uv has no folder for vendored packages; files that a lockfile takes from the source are not taken.
        @Test func `a wheel that was changed on the way, in the lockfile or taken from the source ends the build`()
            async throws
        {
            let scratch = try ScratchFolder()
            let project = PythonCorpus.dynamicVersioning
            let wheel = "jinja2-3.1.6-py3-none-any.whl"
            try await PythonMirror.run { mirror in
                try await Service.run(["--pypi-files", mirror.url], environment: PythonCorpus.environment) { service in
                    mirror.alter(wheel)
                    let altered = try await service.build(folder: project)
                    try expectRefusal(altered, "toolchain.checksum_mismatch", naming: "jinja2 3.1.6")
                    mirror.alter(wheel) { $0 }

                    let lockfile = try scratch.copy(project, changing: "uv.lock") { text in
                        text.replacing(#/jinja2-3\.1\.6-py3-none-any\.whl", hash = "sha256:[0-9a-f]{32}/#) { _ in
                            "\(wheel)\", hash = \"sha256:e0b6ff5ee0a2dfa1a39bd3b2a3d3d0f4"
                        }
                    }
                    let locked = try await service.build(folder: lockfile)
                    try expectRefusal(locked, "toolchain.checksum_mismatch", naming: "jinja2 3.1.6")

                    let vendored = try scratch.copy(project, changing: "uv.lock") { text in
                        let registry = "source = { registry = \"https://pypi.org/simple\" }"
                        let entry = "name = \"jinja2\"\nversion = \"3.1.6\"\n"
                        return text.replacing(entry + registry, with: entry + "source = { path = \"\(wheel)\" }")
                    }
                    let path = "\(PythonCorpus.files)/\(wheel)"
                    try FileManager.default.copyItem(atPath: path, toPath: vendored.appending(wheel).string)
                    let inSource = try await service.build(folder: vendored)
                    try expectRefusal(inSource, "toolchain.unsupported_source", naming: "jinja2 3.1.6")
                }
            }
        }

        private func expectVerifiedSuccess(
            _ stream: ServerSentEvents, _ service: Service, artifacts: Set<String>, needing uri: String
        ) async throws {
            let result = try #require(stream.result)
            #expect(result["status"] == "success", "\(stream.messages.suffix(10)) \(result)")
            let named = result["artifacts"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            #expect(Set(named) == artifacts)
            let definition = result["provenance"]?["predicate"]?["buildDefinition"]
            #expect(definition?["buildType"] == "https://kettle.build/uv/v1")
            let dependencies = definition?["resolvedDependencies"]?.arrayValue ?? []
            let packages = dependencies.filter { $0["uri"]?.stringValue?.hasPrefix("pkg:pypi/") == true }
            #expect(packages.contains { $0["uri"]?.stringValue == uri })
            #expect(packages.allSatisfy { $0["digest"]?["sha256"]?.stringValue?.count == 64 })
            #expect(
                dependencies.suffix(3).map { $0["name"]?.stringValue } == ["uv", "python3", "python-library"])
            let build = try #require(stream.buildID)
            let accepted = try await verify(build, of: service, ["--software-key", service.publicKey.string])
            #expect(accepted.status == 0, "\(accepted.everything)")
            let rejected = try await verify(build, of: service, [])
            #expect(rejected.status == 1, "\(rejected.everything)")
        }
    }
}
