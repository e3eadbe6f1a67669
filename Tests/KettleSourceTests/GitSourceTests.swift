import HTTPTypes
import Hummingbird
import KettleTesting
import SystemPackage
import Testing

@testable import KettleSource

/// All that runs git through the sandbox.
@Suite(
    .enabled(if: KettleExecutable.canConfine && Command.isInstalled("git"), "git or bubblewrap is not installed"),
    .timeLimit(.minutes(15)))
struct GitSourceTests {
    // MARK: - Refs

    @Test(arguments: [false, true])
    func `a branch, a tag and a commit are found`(speaksOldProtocol: Bool) async throws {
        try await GitRepositories.serving(speaksOldProtocol: speaksOldProtocol) { repositories in
            let repository = try await repositories.make("project", ["a": "first"])
            let first = try await repository.git("rev-parse", "HEAD")
            try await repository.git("tag", "light")
            try await repository.git("tag", "--annotate", "--message", "A release", "v1")
            try await repository.git("branch", "feature/b\u{FC}cher")
            try await repository.git("tag", "both")
            let second = try await repository.commit(["a": "second"])
            try await repository.git("branch", "both")
            try await repository.git("checkout", "--quiet", "-b", "trunk")

            let bench = try GitBench()
            for (ref, commit, name) in [
                (nil, second, "refs/heads/trunk"), ("main", second, "refs/heads/main"),
                ("feature/b\u{FC}cher", first, "refs/heads/feature/b\u{FC}cher"), ("light", first, "refs/tags/light"),
                ("v1", first, "refs/tags/v1"), ("both", second, "refs/heads/both"), (second, second, second),
                (second.uppercased(), second, second),
            ] {
                let fetched = try await bench.fetch(repository.url, ref: ref)
                #expect(fetched.checkout.url == repository.url)
                #expect(fetched.checkout.ref == ref)
                #expect(fetched.checkout.resolvedRef == name)
                #expect(fetched.checkout.commit == commit)
                #expect(try await fetched.checkout.tree == repository.git("rev-parse", "\(commit)^{tree}"))
                #expect(try fetched.text("a") == (commit == first ? "first" : "second"))
            }
        }
    }

    @Test(arguments: [false, true])
    func `a ref that names no commit is refused by name`(speaksOldProtocol: Bool) async throws {
        try await GitRepositories.serving(speaksOldProtocol: speaksOldProtocol) { repositories in
            let repository = try await repositories.make("project", ["a": "first"])
            let commit = try await repository.git("rev-parse", "HEAD")
            let blob = try await repository.git("rev-parse", "HEAD:a")
            try await repository.git("tag", "blob", blob)
            try await repository.git("tag", "tree", "HEAD^{tree}")
            try await repository.git("tag", "--annotate", "--message", "A file", "file", blob)
            try await repository.git("tag", "--annotate", "--message", "A release", "v1")
            let tag = try await repository.git("rev-parse", "v1")

            let bench = try GitBench()
            for (ref, code) in [
                ("nowhere", "ref_not_found"), ("mai", "ref_not_found"), ("refs/heads/main", "ref_not_found"),
                (String(commit.prefix(12)), "ref_abbreviated"), (String(commit.dropLast()), "ref_abbreviated"),
                (String(repeating: "0", count: 40), "commit_not_found"),
                (String(repeating: "0", count: 64), "commit_not_found"), ("blob", "ref_not_commit"),
                ("tree", "ref_not_commit"), ("file", "ref_not_commit"), (blob, "ref_not_commit"),
                (tag, "ref_not_commit"), ("-main", "ref_invalid"), ("main:main", "ref_invalid"), ("ma*", "ref_invalid"),
            ] {
                #expect(try await bench.code(repository.url, ref: ref) == "source.\(code)", "\(ref)")
            }
        }
    }

    @Test func `an old server gives out only what it advertises`() async throws {
        try await GitRepositories.serving(speaksOldProtocol: true) { repositories in
            let repository = try await repositories.make("project", ["a": "first"])
            let first = try await repository.git("rev-parse", "HEAD")
            _ = try await repository.commit(["a": "second"])
            #expect(try await GitBench().code(repository.url, ref: first) == "source.commit_not_found")
        }
    }

    @Test func `a repository that has nothing, or other ids, is refused`() async throws {
        try await GitRepositories.serving { repositories in
            let empty = try await repositories.empty("empty")
            let long = try await repositories.empty("long", objectFormat: "sha256")
            let commit = try await long.commit(["a": "b"])
            let bench = try GitBench()
            for (url, ref, code) in [
                (empty.url, nil, "repository_empty"), (empty.url, "main", "ref_not_found"),
                (empty.url, String(repeating: "0", count: 40), "commit_not_found"),
                (long.url, nil, "object_format_unsupported"), (long.url, "main", "object_format_unsupported"),
                (long.url, commit, "object_format_unsupported"),
                (long.url, String(commit.prefix(40)), "object_format_unsupported"),
                ("\(repositories.address)/nowhere", nil, "repository_not_found"),
            ] {
                #expect(try await bench.code(url, ref: ref) == "source.\(code)", "\(url) \(ref ?? "")")
            }
        }
    }

    @Test func `an old server with other ids is refused`() async throws {
        try await GitRepositories.serving(speaksOldProtocol: true) { repositories in
            let long = try await repositories.empty("long", objectFormat: "sha256")
            let commit = try await long.commit(["a": "b"])
            let bench = try GitBench()
            #expect(try await bench.code(long.url) == "source.object_format_unsupported")
            #expect(
                try await bench.code(long.url, ref: String(commit.prefix(40))) == "source.object_format_unsupported")
        }
    }

    // MARK: - Servers

    @Test func `what a server answers instead is told by its status`() async throws {
        let router = Router()
        router.get("**") { request, _ -> Response in
            let status = request.uri.path.split(separator: "/").first.flatMap { Int($0) } ?? 200
            var headers: HTTPFields = [.contentType: "text/html"]
            if status == 401 { headers[.wwwAuthenticate] = "Basic realm=\"a\"" }
            if 300..<400 ~= status { headers[.location] = "http://127.0.0.1:1/elsewhere" }
            return Response(
                status: .init(code: status), headers: headers,
                body: .init(byteBuffer: .init(string: "<html>\n<body>\n")))
        }
        try await LoopbackServer.run(router) { port in
            let bench = try GitBench(allowing: ["http://127.0.0.1", "https://127.0.0.1", "http://kettle.invalid"])
            for (url, code) in [
                ("http://127.0.0.1:\(port)/401/a", "authentication_required"),
                ("http://127.0.0.1:\(port)/403/a", "authentication_required"),
                ("http://127.0.0.1:\(port)/404/a", "repository_not_found"),
                ("http://127.0.0.1:\(port)/410/a", "repository_not_found"),
                ("http://127.0.0.1:\(port)/200/a", "repository_not_found"),
                ("http://127.0.0.1:\(port)/301/a", "redirected"), ("http://127.0.0.1:\(port)/302/a", "redirected"),
                ("http://127.0.0.1:\(port)/307/a", "redirected"), ("http://127.0.0.1:\(port)/308/a", "redirected"),
                ("http://127.0.0.1:\(port)/429/a", "remote_unreachable"),
                ("http://127.0.0.1:\(port)/500/a", "remote_unreachable"),
                ("http://127.0.0.1:\(port)/503/file%20too%20large/returned+error:301", "remote_unreachable"),
                ("https://127.0.0.1:\(port)/200/a", "remote_unreachable"),
                ("http://127.0.0.1:1/not-our-ref", "remote_unreachable"),
                ("http://kettle.invalid/a", "url_host_unknown"),
            ] {
                #expect(try await bench.code(url) == "source.\(code)", "\(url)")
            }
        }
    }

    @Test func `a server that never answers is left`() async throws {
        let router = Router()
        router.get("**") { _, _ -> Response in
            let (never, keep) = AsyncStream<Void>.makeStream()
            for await _ in never {}
            keep.finish()
            return Response(status: .ok)
        }
        try await LoopbackServer.run(router) { port in
            let bench = try GitBench(timeout: .seconds(1))
            #expect(try await bench.code("http://127.0.0.1:\(port)/a") == "source.fetch_timed_out")
        }
    }

    @Test func `a fetch that is cancelled leaves nothing`() async throws {
        let (asked, ask) = AsyncStream<Void>.makeStream()
        let router = Router()
        router.get("**") { _, _ -> Response in
            ask.yield()
            let (never, keep) = AsyncStream<Void>.makeStream()
            for await _ in never {}
            keep.finish()
            return Response(status: .ok)
        }
        try await LoopbackServer.run(router) { port in
            let bench = try GitBench()
            let fetching = Task { try await bench.fetch("http://127.0.0.1:\(port)/a") }
            for await _ in asked { break }
            fetching.cancel()
            await #expect(throws: CancellationError.self) { try await fetching.value }
            #expect(try bench.leftovers().isEmpty)
        }
    }

    // MARK: - Objects

    @Test func `objects that change on their way are refused`() async throws {
        // Within the pack's data, and in its signature.
        for (position, codes) in [(30, ["objects_invalid"]), (0, ["objects_invalid", "remote_unreachable"])] {
            try await GitRepositories.serving(altering: { path, output in
                guard path.hasSuffix("/git-upload-pack"), let pack = output.firstRange(of: Array("PACK".utf8)) else {
                    return output
                }
                var output = output
                output[pack.lowerBound + position] ^= 1
                return output
            }) { repositories in
                let repository = try await repositories.make("project", ["a": "first", "b": "second"])
                let code = try await GitBench().code(repository.url)
                #expect(codes.contains { "source.\($0)" == code }, "\(code ?? "accepted")")
            }
        }
    }

    @Test func `an answer that is cut off is refused`() async throws {
        try await GitRepositories.serving(altering: { path, output in
            guard let pack = output.firstRange(of: Array("PACK".utf8)) else { return output }
            return Array(output[..<(pack.lowerBound + 40)])
        }) { repositories in
            let repository = try await repositories.make("project", ["a": "first", "b": "second"])
            #expect(try await GitBench().code(repository.url) == "source.remote_unreachable")
        }
    }

    @Test func `more than a source may be is not stored`() async throws {
        try await GitRepositories.serving { repositories in
            let repository = try await repositories.make("project", ["a": String(repeating: "a", count: 3 << 20)])
            try await repository.git("branch", "zeros")
            var generator = SystemRandomNumberGenerator()
            let noise = (0..<(3 << 17)).map { _ in String(generator.next(), radix: 36) }.joined()
            _ = try await repository.commit(["a": noise])
            let bench = try GitBench(limits: SourceLimits(entries: 10, bytes: 1 << 20))
            #expect(try await bench.code(repository.url, ref: "zeros") == "source.too_large")
            #expect(try await bench.code(repository.url, ref: "main") == "source.fetch_too_large")
        }
    }
}
