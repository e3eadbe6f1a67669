import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// Swift packages that nobody here wrote, by ZIP and git.
    @Suite(
        .enabled("the packages cannot be cloned") { await SwiftProjects.areAvailable },
        .enabled(if: Command.isInstalled("swift"), "swift is not installed"))
    struct SwiftProjectTests {
        @Test func `a product of swift-argument-parser builds from its commit's archive and from git, and runs`()
            async throws
        {
            let scratch = try ScratchFolder()
            let settings = ["kettle.toml": "targets = [\"math\"]\n"]
            let project = try await SwiftProjects.argumentParser.checkOut(in: scratch)
            try scratch.write(settings, to: SwiftProjects.argumentParser.name)
            try await GitRepositories.serving { repositories in
                let repository = try await SwiftProjects.argumentParser.serve(by: repositories)
                _ = try await repository.commit(settings)
                try await Service.run(["--allow-url", "http://127.0.0.1"]) { service in
                    for stream in [
                        try await service.build(folder: project),
                        try await service.build(FormData(fields: ["repo_url": repository.url])),
                    ] {
                        let definition = try await expectVerifiedSuccess(stream, service, artifacts: ["math"])
                        #expect(definition["resolvedDependencies"]?.arrayValue?[1]["name"] == "Package.swift")
                        let build = try #require(stream.buildID)
                        let program = scratch.path.appending("math-\(build)")
                        try await service.download("/v1/builds/\(build)/artifacts/math", to: program)
                        try FileManager.default.setAttributes(
                            [.posixPermissions: 0o755], ofItemAtPath: program.string)
                        #expect(try await Command.run(program.string, ["add", "1", "2"]).output == "3\n")
                    }
                }
            }
        }

        @Test func `of three products two are wanted, and two are built`() async throws {
            let names = ["first", "second", "third"]
            var files = Dictionary(
                uniqueKeysWithValues: names.map { ("Sources/\($0)/main.swift", "print(\"\($0)\")\n") })
            files["Package.swift"] = """
                // swift-tools-version: 6.0
                import PackageDescription
                let package = Package(
                    name: "three",
                    targets: [\(names.map { ".executableTarget(name: \"\($0)\")" }.joined(separator: ", "))])

                """
            files["kettle.toml"] = "targets = [\"first\", \"second\"]\n"
            try await Service.run { [files] service in
                _ = try await expectVerifiedSuccess(
                    try await service.build(files), service, artifacts: ["first", "second"])
            }
        }

        @Test func `a program on Rainbow builds from git and from a ZIP, and names the commit that it was built with`()
            async throws
        {
            try await GitRepositories.serving { repositories in
                let rainbow = try await SwiftProjects.rainbow.serve(by: repositories)
                let commit = try await rainbow.git("rev-parse", "HEAD")
                let files = SwiftProjects.program(rainbow.url, commit: commit)
                let program = try await repositories.make("program", files)
                try await Service.run(["--allow-url", "http://127.0.0.1"]) { service in
                    for stream in [
                        try await service.build(FormData(fields: ["repo_url": program.url])),
                        try await service.build(files),
                    ] {
                        let definition = try await expectVerifiedSuccess(stream, service, artifacts: ["program"])
                        let dependencies = definition["resolvedDependencies"]?.arrayValue ?? []
                        let rainbows = dependencies.filter { $0["uri"]?.stringValue?.hasPrefix("pkg:swift/") == true }
                        #expect(rainbows.count == 1)
                        let tree = try await rainbow.git("rev-parse", "HEAD^{tree}")
                        #expect(rainbows.first?["digest"] == ["gitCommit": .string(commit), "gitTree": .string(tree)])
                        #expect(rainbows.first?["uri"]?.stringValue?.contains("/Rainbow@4.2.2?") == true)
                    }
                }
            }
        }

        @Test func `a dependency comes from the operator's mirror, and is named as the lockfile does`() async throws {
            try await GitRepositories.serving { repositories in
                let rainbow = try await SwiftProjects.rainbow.serve(by: repositories)
                let commit = try await rainbow.git("rev-parse", "HEAD")
                let base = rainbow.url.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
                    separator: "/")
                let name = try #require(rainbow.url.split(separator: "/").last)
                let files = SwiftProjects.program("https://forge.example/acme/\(name)", commit: commit)
                let mirror = "https://forge.example/acme/=\(base)/"
                try await Service.run(["--git-mirror", mirror]) { service in
                    let stream = try await service.build(files)
                    let definition = try await expectVerifiedSuccess(stream, service, artifacts: ["program"])
                    let pinned = definition["resolvedDependencies"]?.arrayValue?.compactMap { $0["uri"]?.stringValue }
                        .first { $0.hasPrefix("pkg:swift/") }
                    #expect(pinned?.hasPrefix("pkg:swift/forge.example/acme/Rainbow@4.2.2?") == true, "\(pinned ?? "")")
                    // Who sends a build has no use of the mirror.
                    let direct = try await service.post(
                        "/v1/build", FormData(fields: ["repo_url": "\(base)/\(name)"]))
                    #expect(direct.status == 400)
                }
                for wrong in ["https://forge.example/acme=\(base)", "https://forge.example/acme/", "=\(base)/"] {
                    let ended = try await Command.run(
                        KettleExecutable.path.string, ["doctor", "--git-mirror", wrong])
                    #expect(ended.everything.contains("a mirror is FROM=TO"), "\(ended.everything)")
                }
            }
        }

        @Test func `a dependency whose commit is gone, or whose pins were changed, ends the build`() async throws {
            try await GitRepositories.serving { repositories in
                let rainbow = try await SwiftProjects.rainbow.serve(by: repositories)
                let commit = try await rainbow.git("rev-parse", "HEAD")
                // Another file under the same name: the repository has the pinned commit no more.
                try await rainbow.git("checkout", "--quiet", "--orphan", "other")
                _ = try await rainbow.commit(["Sources/Rainbow.swift": "public let changed = true\n"])
                for name in try await rainbow.git("for-each-ref", "--format=%(refname)").split(separator: "\n")
                where name != "refs/heads/other" {
                    try await rainbow.git("update-ref", "-d", String(name))
                }
                try await rainbow.git("tag", "--force", "4.2.2")
                try await rainbow.git("reflog", "expire", "--expire=now", "--all")
                try await rainbow.git("gc", "--quiet", "--prune=now")
                let gone = SwiftProjects.program(rainbow.url, commit: commit)
                // Another version than the manifest asks for.
                let changed = SwiftProjects.program(
                    rainbow.url, commit: try await rainbow.git("rev-parse", "HEAD"), version: "3.0.0")
                try await Service.run(["--allow-url", "http://127.0.0.1"]) { service in
                    let first = try await service.build(gone)
                    #expect(first.result?["error_type"] == "DependencyError")
                    #expect(first.result?["code"] == "source.commit_not_found")
                    let second = try await service.build(changed)
                    #expect(second.result?["status"] == "failed")
                    #expect(second.result?["error_type"] == "BuildFailedError")
                }
                // A place that the operator did not allow.
                try await Service.run { service in
                    let stream = try await service.build(gone)
                    #expect(stream.result?["error_type"] == "DependencyError")
                }
            }
        }

        /// - Returns: What the statement says of how it was built.
        private func expectVerifiedSuccess(
            _ stream: ServerSentEvents, _ service: Service, artifacts: Set<String>
        ) async throws -> JSONValue {
            #expect(stream.isWhole())
            let result = try #require(stream.result)
            #expect(result["status"] == "success", "\(stream.messages.suffix(10)) \(result)")
            let named = result["artifacts"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            #expect(Set(named) == artifacts)
            let build = try #require(stream.buildID)
            let accepted = try await verify(
                build, of: service, as: "bundle.zip", ["--software-key", service.publicKey.string])
            #expect(accepted.status == 0, "\(accepted.everything)")
            let definition = try #require(result["provenance"]?["predicate"]?["buildDefinition"])
            #expect(definition["buildType"] == "https://kettle.build/swift/v1")
            let tools = definition["resolvedDependencies"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            #expect(tools.contains("swift-toolchain"))
            return definition
        }
    }
}

/// Swift packages of the world, by their usual addresses.
private struct SwiftProjects {
    static let argumentParser = SwiftProjects(name: "swift-argument-parser", owner: "apple", tag: "1.8.2")
    static let rainbow = SwiftProjects(name: "Rainbow", owner: "onevcat", tag: "4.2.2")

    let name: String
    let owner: String
    let tag: String

    private var url: String { "https://github.com/\(owner)/\(name)" }

    static var areAvailable: Bool {
        get async {
            for project in [argumentParser, rainbow] {
                let answer = try? await Command.run("git", ["ls-remote", project.url, "refs/tags/\(project.tag)"])
                guard answer?.status == 0 else { return false }
            }
            return true
        }
    }

    /// - Returns: The files of the tag, without `.git`.
    func checkOut(in scratch: ScratchFolder) async throws -> FilePath {
        let folder = scratch.path.appending(name)
        let ended = try await Command.run(
            "git", ["clone", "--quiet", "--depth", "1", "--branch", tag, url, folder.string])
        guard ended.status == 0 else { throw CommandFailed(program: "git clone", ended: ended) }
        try FileManager.default.removeItem(atPath: folder.appending(".git").string)
        return folder
    }

    /// The repository, served on this machine, at the tag.
    func serve(by repositories: GitRepositories) async throws -> GitRepository {
        let repository = try await repositories.empty(name)
        // With this machine's configuration, which may know a mirror.
        let fetch = try await Command.run(
            "git", ["fetch", "--quiet", "--no-tags", url, "refs/tags/\(tag):refs/tags/\(tag)"], in: repository.folder)
        guard fetch.status == 0 else { throw CommandFailed(program: "git fetch", ended: fetch) }
        try await repository.git("reset", "--quiet", "--hard", "refs/tags/\(tag)")
        return repository
    }

    /// A program on Rainbow, with its pins as SwiftPM writes them.
    static func program(_ url: String, commit: String, version: String = "4.2.2") -> [String: String] {
        [
            "Package.swift": """
            // swift-tools-version:5.9
            import PackageDescription
            let package = Package(
                name: "program", dependencies: [.package(url: "\(url)", from: "4.2.0")],
                targets: [.executableTarget(name: "program", dependencies: ["Rainbow"])])
            """,
            "Package.resolved": """
            {
              "pins" : [
                {
                  "identity" : "rainbow",
                  "kind" : "remoteSourceControl",
                  "location" : "\(url)",
                  "state" : {
                    "revision" : "\(commit)",
                    "version" : "\(version)"
                  }
                }
              ],
              "version" : 2
            }

            """,
            "Sources/program/main.swift": "import Rainbow\nprint(\"kettle\".red)\n",
        ]
    }
}
