import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite(.enabled(if: Command.isInstalled("git"), "git is not installed"))
    struct GitBuildTests {
        private static let allowed = ["--allow-url", "http://127.0.0.1"]

        private static func program(_ name: String) -> [String: String] {
            [
                "Cargo.toml": Projects.manifest(name), "Cargo.lock": Projects.lockfile(name),
                "src/main.rs": "fn main() {}\n",
            ]
        }

        @Test func `a branch, a tag, a commit and no ref each build what they name`() async throws {
            try await GitRepositories.serving { repositories in
                let repository = try await repositories.make("project", Self.program("first"))
                let first = try await repository.git("rev-parse", "HEAD")
                try await repository.git("tag", "--annotate", "--message", "A release", "v1.0")
                try await repository.git("checkout", "--quiet", "-b", "feature/other")
                let second = try await repository.commit(Self.program("second"))
                try await repository.git("checkout", "--quiet", "main")
                let third = try await repository.commit(Self.program("third"))

                try await Service.run(Self.allowed) { service in
                    for (ref, name, commit) in [
                        ("v1.0", "first", first), ("feature/other", "second", second), (first, "first", first),
                        (nil, "third", third), ("main", "third", third),
                    ] {
                        var fields = ["repo_url": repository.url]
                        fields["ref"] = ref
                        let stream = try await service.build(FormData(fields: fields))

                        #expect(stream.isWhole())
                        #expect(stream.result?["status"] == "success", "\(ref ?? "default"): \(stream.messages)")
                        #expect(stream.result?["artifacts"]?.arrayValue?.first?["name"]?.stringValue == name)
                        let definition = stream.result?["provenance"]?["predicate"]?["buildDefinition"]
                        let source = try #require(definition?["resolvedDependencies"]?.arrayValue?.first)
                        #expect(source["digest"]?["gitCommit"]?.stringValue == commit)
                        let tree = try await repository.git("rev-parse", "\(commit)^{tree}")
                        #expect(source["digest"]?["gitTree"]?.stringValue == tree)
                        let parameters = definition?["externalParameters"]
                        #expect(parameters?["ref"]?.stringValue == ref)
                        #expect(parameters?["source"]?.stringValue?.hasPrefix("git+\(repository.url)") == true)
                    }
                }
            }
        }

        @Test func `a submodule is fetched and recorded`() async throws {
            try await GitRepositories.serving { repositories in
                let library = try await repositories.make(
                    "library",
                    [
                        "Cargo.toml": Projects.manifest("library"), "src/lib.rs": "pub fn answer() -> u32 { 42 }\n",
                    ])
                let pinned = try await library.git("rev-parse", "HEAD")
                var files = Self.program("outer")
                files["Cargo.toml"] = Projects.manifest("outer") + "[dependencies]\nlibrary = { path = \"library\" }\n"
                files["Cargo.lock"] = """
                    version = 3

                    [[package]]
                    name = "library"
                    version = "0.1.0"

                    [[package]]
                    name = "outer"
                    version = "0.1.0"
                    dependencies = ["library"]

                    """
                files["src/main.rs"] = "fn main() { println!(\"{}\", library::answer()); }\n"
                let outer = try await repositories.make("outer", files)
                try await outer.addSubmodule("../library", at: "library")
                _ = try await outer.commit([:])
                // What the submodule's branch has become since does not matter.
                _ = try await library.commit(["src/lib.rs": "pub fn answer() -> u32 { 0 }\n"])

                try await Service.run(Self.allowed) { service in
                    let stream = try await service.build(FormData(fields: ["repo_url": outer.url]))

                    #expect(stream.result?["status"] == "success", "\(stream.messages)")
                    let definition = stream.result?["provenance"]?["predicate"]?["buildDefinition"]
                    let source = definition?["resolvedDependencies"]?.arrayValue?.first
                    let submodules = source?["annotations"]?["submodules"]?.arrayValue
                    #expect(submodules?.count == 1)
                    #expect(submodules?.first?["path"] == "library")
                    #expect(submodules?.first?["gitCommit"]?.stringValue == pinned)
                }
            }
        }

        @Test func `what is not there is the source's fault`() async throws {
            try await GitRepositories.serving { repositories in
                let repository = try await repositories.make("project", Self.program("first"))
                try await Service.run(Self.allowed) { service in
                    for fields in [
                        ["repo_url": repository.url, "ref": "no-such-branch"],
                        ["repo_url": repository.url, "ref": String(repeating: "0", count: 40)],
                        ["repo_url": "\(repositories.address)/nowhere"],
                    ] {
                        let stream = try await service.build(FormData(fields: fields))
                        #expect(stream.isWhole())
                        #expect(stream.result?["error_type"] == "SourceError", "\(fields)")
                        #expect(stream.result?["code"]?.stringValue?.hasPrefix("source.") == true, "\(fields)")
                        #expect(!stream.messages.contains { $0.contains(service.dataFolder.string) })
                    }
                }
            }
        }

        @Test func `neither hooks nor filters of the repository run`() async throws {
            try await GitRepositories.serving { repositories in
                var files = Self.program("plain")
                files[".gitattributes"] = "*.txt filter=evil text eol=crlf ident\n"
                files["notes.txt"] = "$Id$ one\ntwo\n"
                let repository = try await repositories.make("project", files)
                try await Service.run(Self.allowed) { service in
                    let stream = try await service.build(FormData(fields: ["repo_url": repository.url]))

                    #expect(stream.result?["status"] == "success")
                    let definition = stream.result?["provenance"]?["predicate"]?["buildDefinition"]
                    let source = definition?["resolvedDependencies"]?.arrayValue?.first
                    // The tree that was built is the commit's, so no byte was converted.
                    let tree = try await repository.git("rev-parse", "HEAD^{tree}")
                    #expect(source?["digest"]?["gitTree"]?.stringValue == tree)
                }
            }
        }
    }
}
