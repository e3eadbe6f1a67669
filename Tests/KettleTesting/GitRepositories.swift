import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Subprocess
package import SystemPackage

/// Git repositories on loopback, made by git and served by git's own `http-backend`.
package struct GitRepositories: Sendable {
    /// `http://127.0.0.1:PORT`
    package let address: String
    /// The same by an address that programs written in Go do not take for loopback, where they use no proxy.
    package var lfsAddress: String { address.replacing("127.0.0.1", with: "0.0.0.0") }
    private let scratch: ScratchFolder

    /// Serves for as long as `body` takes.
    ///
    /// - Parameters:
    ///   - lfs: What Git LFS gives out, for any repository, by the SHA-256 that it is asked for.
    ///   - speaksOldProtocol: As servers did before protocol 2: only what is advertised can be fetched.
    ///   - altering: Changes what the server answers, told the path that was asked for.
    package static func serving<Result: Sendable>(
        speaksOldProtocol: Bool = false, lfs objects: [String: String] = [:],
        altering: @escaping @Sendable (_ path: String, _ output: [UInt8]) -> [UInt8] = { $1 },
        _ body: @escaping @Sendable (GitRepositories) async throws -> Result
    ) async throws -> Result {
        let scratch = try ScratchFolder()
        let router = Router()
        let lfs = LFSServer(objects: objects)
        for method in [HTTPRequest.Method.get, .post] {
            router.on("**", method: method) { request, _ in
                if let response = try await lfs.answer(request) { return response }
                let output = try await answer(request, from: scratch.path, isOld: speaksOldProtocol)
                return response(from: altering(request.uri.path, output))
            }
        }
        return try await LoopbackServer.run(router) { port in
            try await body(GitRepositories(address: "http://127.0.0.1:\(port)", scratch: scratch))
        }
    }

    /// Makes a repository of one commit on the branch `main`.
    package func make(_ name: String, _ files: [String: String]) async throws -> GitRepository {
        let repository = try await empty(name)
        _ = try await repository.commit(files)
        return repository
    }

    /// Makes a repository of one commit with a copy of a folder.
    package func make(_ name: String, copying folder: FilePath) async throws -> GitRepository {
        let repository = try await empty(name)
        for entry in try FileManager.default.contentsOfDirectory(atPath: folder.string) {
            try FileManager.default.copyItem(
                atPath: folder.appending(entry).string, toPath: repository.folder.appending(entry).string)
        }
        _ = try await repository.commit([:])
        return repository
    }

    /// Makes a repository without a commit.
    ///
    /// - Parameter objectFormat: `sha1` or `sha256`.
    package func empty(_ name: String, objectFormat: String = "sha1") async throws -> GitRepository {
        let repository = GitRepository(
            url: "\(address)/\(name)", folder: scratch.path.appending(name), scratch: scratch)
        try FileManager.default.createDirectory(atPath: repository.folder.string, withIntermediateDirectories: true)
        try await repository.git("init", "--quiet", "--initial-branch=main", "--object-format=\(objectFormat)")
        return repository
    }

    /// One request through CGI (RFC 3875).
    private static func answer(_ request: Request, from root: FilePath, isOld: Bool) async throws -> [UInt8] {
        var environment: [Subprocess.Environment.Key: String] = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "GIT_PROJECT_ROOT": root.string,
            "GIT_HTTP_EXPORT_ALL": "1", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
            "REQUEST_METHOD": request.method.rawValue, "PATH_INFO": request.uri.path,
            "QUERY_STRING": request.uri.query ?? "", "REMOTE_ADDR": "127.0.0.1",
        ]
        environment["CONTENT_TYPE"] = request.headers[.contentType]
        environment["HTTP_CONTENT_ENCODING"] = request.headers[.contentEncoding]
        if !isOld {
            environment["GIT_PROTOCOL"] = HTTPField.Name("Git-Protocol").flatMap { request.headers[$0] }
        }
        let body = try await request.body.collect(upTo: 64 << 20)
        environment["CONTENT_LENGTH"] = "\(body.readableBytes)"
        let result = try await Subprocess.run(
            .name("git"), arguments: ["http-backend"], environment: .custom(environment),
            input: .array(Array(body.readableBytesView)), output: .bytes(limit: 256 << 20), error: .discarded)
        return result.standardOutput
    }

    private static func response(from output: [UInt8]) -> Response {
        let separator = Array("\r\n\r\n".utf8)
        guard let end = output.indices.first(where: { output[$0...].starts(with: separator) }) else {
            return Response(status: .badGateway)
        }
        var response = Response(
            status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: output[(end + separator.count)...])))
        for line in String(decoding: output[..<end], as: UTF8.self).components(separatedBy: "\r\n") {
            let parts = line.components(separatedBy: ": ")
            guard parts.count == 2, let name = HTTPField.Name(parts[0]) else { continue }
            if parts[0] == "Status" {
                response.status = .init(code: Int(parts[1].prefix(3)) ?? 500)
            } else {
                response.headers[name] = parts[1]
            }
        }
        return response
    }
}

/// One of the repositories, with its working tree.
package struct GitRepository: Sendable {
    package let url: String
    /// The working tree.
    package let folder: FilePath
    /// Keeps the folder for as long as someone knows the repository.
    private let scratch: ScratchFolder

    init(url: String, folder: FilePath, scratch: ScratchFolder) {
        self.url = url
        self.folder = folder
        self.scratch = scratch
    }

    /// Writes files, commits everything and returns the commit's id.
    package func commit(_ files: [String: String]) async throws -> String {
        for (path, text) in files {
            let file = folder.appending(FilePath(path).components)
            try FileManager.default.createDirectory(
                atPath: file.removingLastComponent().string, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: file.string))
        }
        try await git("add", "--all", "--force")
        try await git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return try await git("rev-parse", "HEAD")
    }

    /// Adds a submodule without committing it.
    package func addSubmodule(_ url: String, at path: String) async throws {
        // A relative URL is one of this machine's files here, where no remote is named.
        try await git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, path)
    }

    /// Runs git in the working tree with nobody's configuration and returns what it prints.
    @discardableResult
    package func git(_ arguments: String...) async throws -> String {
        let environment = Subprocess.Environment.inherit.updating([
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
        ])
        let ended = try await Command.run("git", arguments, in: folder, environment: environment)
        guard ended.status == 0 else { throw CommandFailed(program: "git \(arguments)", ended: ended) }
        return ended.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
