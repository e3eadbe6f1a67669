import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// Inputs that git knows, through the whole service: a dependency, files of Git LFS, an upload with its `.git`.
    @Suite(.enabled(if: Command.isInstalled("git"), "git is not installed"))
    struct GitInputTests {
        private static let content = "forty-two\n"
        private static let digest = ContentDigest(of: Array(content.utf8))

        private func dependencies(_ stream: ServerSentEvents) throws -> [JSONValue] {
            let definition = stream.result?["provenance"]?["predicate"]?["buildDefinition"]
            return try #require(definition?["resolvedDependencies"]?.arrayValue, "\(stream.messages)")
        }

        @Test func `a git dependency is built from, recorded by commit and tree, and verified`() async throws {
            try await GitRepositories.serving { repositories in
                let library = try await repositories.make(
                    "library",
                    [
                        "Cargo.toml": Projects.manifest("library"), "src/lib.rs": "pub fn answer() -> u32 { 42 }\n",
                    ])
                let commit = try await library.git("rev-parse", "HEAD")
                let tree = try await library.git("rev-parse", "HEAD^{tree}")
                let files = [
                    "Cargo.toml": Projects.manifest("hello")
                        + "[dependencies]\nlibrary = { git = \"\(library.url)\" }\n",
                    "Cargo.lock": """
                    version = 4

                    [[package]]
                    name = "hello"
                    version = "0.1.0"
                    dependencies = [
                     "library",
                    ]

                    [[package]]
                    name = "library"
                    version = "0.1.0"
                    source = "git+\(library.url)#\(commit)"

                    """,
                    "src/main.rs": "fn main() { println!(\"{}\", library::answer()); }\n",
                ]
                try await Service.run(["--allow-url", "http://127.0.0.1"]) { service in
                    let stream = try await service.build(files)
                    #expect(stream.result?["status"] == "success", "\(stream.messages) \(stream.result ?? .null)")
                    let entry = try #require(
                        try dependencies(stream).first {
                            $0["uri"]?.stringValue?.hasPrefix("pkg:cargo/library@") == true
                        })
                    #expect(entry["digest"] == ["gitCommit": .string(commit), "gitTree": .string(tree)])
                    let build = try #require(stream.buildID)
                    #expect(
                        try await verify(
                            build, of: service, as: "bundle.zip", ["--software-key", service.publicKey.string]
                        ).status == 0)
                    let bill = try await service.get("/v1/builds/\(build)/sbom.cdx.json")
                    #expect(bill.status == 200)
                    #expect(try bill.json()["bomFormat"] == "CycloneDX")
                    #expect(
                        try bill.json()["dependencies"]?.arrayValue?.first?["dependsOn"]?.arrayValue?.first
                            == entry["uri"])
                }
                // A place that the operator did not allow is the dependency's fault, and named.
                try await Service.run { service in
                    let stream = try await service.build(files)
                    #expect(stream.result?["error_type"] == "DependencyError")
                    #expect(stream.result?["code"] == "source.url_scheme_not_allowed")
                }
            }
        }

        @Test(.enabled(if: Command.isInstalled("git-lfs"), "git-lfs is not installed"))
        func `a file of Git LFS is built from and recorded`() async throws {
            try await GitRepositories.serving(lfs: [Self.digest.hex: Self.content]) { repositories in
                var files = Projects.hello
                files["src/main.rs"] = "fn main() { print!(\"{}\", include_str!(\"../data.txt\")); }\n"
                files[".gitattributes"] = "data.txt filter=lfs\n"
                files["data.txt"] =
                    "version https://git-lfs.github.com/spec/v1\noid sha256:\(Self.digest.hex)\nsize \(Self.content.utf8.count)\n"
                let repository = try await repositories.make("project", files)
                try await Service.run(["--allow-url", "http://0.0.0.0"]) { service in
                    let url = "\(repositories.lfsAddress)/project"
                    let stream = try await service.build(FormData(fields: ["repo_url": url]))
                    #expect(stream.result?["status"] == "success", "\(stream.messages)")
                    let source = try #require(try dependencies(stream).first)
                    #expect(
                        try await source["digest"]?["gitTree"]?.stringValue
                            == repository.git("rev-parse", "HEAD^{tree}"))
                    #expect(
                        source["annotations"]?["lfs"] == [
                            ["path": "data.txt", "sha256": .string(Self.digest.hex), "size": 10]
                        ])
                    let program = service.dataFolder.removingLastComponent().appending("program")
                    let build = try #require(stream.buildID)
                    try await service.download("/v1/builds/\(build)/artifacts/hello", to: program)
                    #expect(chmod(program.string, 0o755) == 0)
                    #expect(try await Command.run(program.string, []).output == Self.content)
                }
            }
        }

        @Test(arguments: [true, false])
        func `an upload with its .git is named by the commit, if the files are the commit's`(isClean: Bool) async throws
        {
            let scratch = try ScratchFolder()
            let project = try scratch.write(Projects.hello, to: "hello")
            for arguments in [
                ["init", "--quiet"], ["add", "--all"],
                ["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "A change"],
            ] {
                #expect(try await Command.run("git", arguments, in: project).status == 0)
            }
            let commit = try await Command.run("git", ["rev-parse", "HEAD"], in: project).output
                .trimmingCharacters(in: .newlines)
            if !isClean { try scratch.write(["src/main.rs": "fn main() {}\n"], to: "hello") }
            try await Service.run { service in
                let stream = try await service.build(folder: project)
                #expect(stream.result?["status"] == "success", "\(stream.messages)")
                let named = try dependencies(stream).first?["digest"]?["gitCommit"]?.stringValue
                #expect(named == (isClean ? commit : nil))
                #expect(stream.messages.contains { $0.contains(commit) })
            }
        }
    }
}
