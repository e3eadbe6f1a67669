import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// Builds of which the request or the project itself says how.
    @Suite struct ChosenBuildTests {
        private static var two: [String: String] {
            var project = Projects.hello
            project["src/main.rs"] = nil
            project["src/bin/one.rs"] = "fn main() {}\n"
            project["src/bin/two.rs"] = "fn main() {}\n"
            return project
        }

        @Test func `kettle.toml in the source chooses what is built, and the statement says so`() async throws {
            var project = Self.two
            project["kettle.toml"] = "toolchain = \"cargo\"\ntargets = [\"two\"]\n"
            try await Service.run { [project] service in
                let stream = try await service.build(project)
                #expect(stream.messages.contains("Running cargo build --release --bin two"))
                let result = try #require(stream.result)
                #expect(result["artifacts"]?.arrayValue?.map { $0["name"] } == ["two"])
                let build = try #require(stream.buildID)
                let verified = try await verify(build, of: service, ["--software-key", service.publicKey.string])
                #expect(verified.status == 0, "\(verified.everything)")
                let statement = try await service.get("/v1/builds/\(build)/provenance.json").json()
                let definition = statement["predicate"]?["buildDefinition"]
                #expect(
                    definition?["internalParameters"]?["projectSettings"] == ["targets": ["two"], "toolchain": "cargo"])
                #expect(definition?["externalParameters"]?["toolchain"] == nil)
            }
        }

        @Test func `kettle.toml names artifacts that the toolchain does not`() async throws {
            var project = Projects.hello
            project["kettle.toml"] = "artifacts = [\"made/*.txt\"]\n"
            project["build.rs"] = """
                fn main() {
                    std::fs::create_dir_all("made").unwrap();
                    std::fs::write("made/notes.txt", "made by the build\\n").unwrap();
                }
                """
            try await Service.run { [project] service in
                let stream = try await service.build(project)
                #expect(stream.result?["artifacts"]?.arrayValue?.map { $0["name"] } == ["notes.txt"])
                let build = try #require(stream.buildID)
                let notes = try await service.get("/v1/builds/\(build)/artifacts/notes.txt")
                #expect(notes.body == Array("made by the build\n".utf8))
            }
        }

        @Test func `a request names the toolchain, and the verdict covers it`() async throws {
            try await Service.run { service in
                let stream = try await service.build(Projects.hello, ["toolchain": "cargo"])
                let build = try #require(stream.buildID)
                let statement = try await service.get("/v1/builds/\(build)/provenance.json").json()
                #expect(
                    statement["predicate"]?["buildDefinition"]?["externalParameters"]?["toolchain"] == "cargo")
                let verified = try await verify(build, of: service, ["--software-key", service.publicKey.string])
                #expect(verified.status == 0, "\(verified.everything)")
            }
        }

        @Test func `a toolchain that there is not is refused at once, whichever way it is asked for`() async throws {
            try await Service.run { service in
                var form = FormData(fields: ["repo_url": "https://forge.example/r", "toolchain": "bazel"])
                var answer = try await service.post("/v1/build/stream", form)
                #expect(answer.status == 400)
                #expect(try answer.json()["code"] == "toolchain.unknown")
                form = FormData(fields: ["repo_url": "https://forge.example/r", "toolchain": "bazel"])
                answer = try await service.send(
                    "POST", "/v1/build", ["Content-Type": "application/json"],
                    Array(#"{"repo_url": "https://forge.example/r", "toolchain": "bazel"}"#.utf8))
                #expect(answer.status == 400)
                #expect(try answer.json()["code"] == "toolchain.unknown")
                #expect(try await service.get("/v1/builds").json()["builds"] == [])
            }
        }

        @Test func `a file of the source is never an artifact that the build made`() async throws {
            var project = Projects.hello
            project["kettle.toml"] = "artifacts = [\"prebuilt/*\"]\n"
            project["prebuilt/tool"] = "brought along"
            try await Service.run { [project] service in
                let result = try await service.build(project).result
                #expect(result?["error_type"] == "SourceError")
                #expect(result?["code"] == "toolchain.artifact_in_source")
            }
        }

        @Test func `kettle.toml holds in the only folder of an archive too`() async throws {
            let project = Dictionary(
                uniqueKeysWithValues: Self.two.map { ("repo-1.0/\($0.key)", $0.value) }
                    + [("repo-1.0/kettle.toml", "targets = [\"one\"]\n")])
            try await Service.run { service in
                let result = try await service.build(project).result
                #expect(result?["artifacts"]?.arrayValue?.map { $0["name"] } == ["one"])
            }
        }

        @Test(arguments: [
            (
                [:] as [String: String], "toolchain = \"bazel\"" as String?, "UnsupportedToolchainError",
                "toolchain.unknown"
            ),
            ([:], "toolchian = \"cargo\"", "SourceError", "toolchain.malformed_file"),
            ([:], "path = \"elsewhere\"", "SourceError", "toolchain.no_such_folder"),
            ([:], "artifacts = [\"none/*\"]", "BuildFailedError", "toolchain.no_such_artifact"),
        ])
        func `a choice that cannot be is told by name`(
            fields: [String: String], settings: String?, kind: String, code: String
        ) async throws {
            var project = Projects.hello
            project["kettle.toml"] = settings
            try await Service.run { [project] service in
                let result = try await service.build(project, fields).result
                #expect(result?["error_type"]?.stringValue == kind)
                #expect(result?["code"]?.stringValue == code)
                #expect(result?["hint"]?.stringValue?.isEmpty == (code == "toolchain.malformed_file" ? nil : false))
            }
        }
    }
}
