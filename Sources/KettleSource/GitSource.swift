import Foundation
import Glibc
package import KettleSandbox
import Synchronization
package import SystemPackage

/// What a fetch brought: which commit, and the tree that was written.
package struct GitCheckout: Sendable, Hashable {
    /// A submodule as it was written: where in the tree, from where, and which commit.
    package struct Submodule: Sendable, Hashable {
        package var path: String
        package var url: String
        package var commit: String
    }

    package var url: String
    package var ref: String?
    /// The full name of the branch or tag, or the commit id itself.
    package var resolvedRef: String
    package var commit: String
    package var tree: String
    package var submodules: [Submodule]
}

/// Fetches a commit over HTTP and writes its files.
///
/// git talks to the remote and keeps the objects, inside the sandbox, with a configuration of ours alone. It never checks
/// anything out: the blobs go through ``TreeWriter`` as they are, so no filter, hook, attribute or line-end rule of the
/// repository runs, and the tree id of what was written must be the commit's.
package struct GitSource: Sendable {
    private let sandbox: Sandbox
    private let policy: URLPolicy
    private let limits: SourceLimits
    private let timeout: Duration

    package init(
        sandbox: Sandbox, policy: URLPolicy, limits: SourceLimits = .standard, timeout: Duration = .seconds(600)
    ) {
        self.sandbox = sandbox
        self.policy = policy
        self.limits = limits
        self.timeout = timeout
    }

    /// - Parameters:
    ///   - ref: A branch, a tag or a full commit id; nil for the remote's default branch.
    ///   - folder: Where the files go; nothing is there yet.
    package func fetch(
        _ url: GitURL, ref: String?, into folder: FilePath, workspace: Workspace,
        progress: @Sendable (String) async -> Void
    ) async throws -> GitCheckout {
        let repository = try makeRepository(in: workspace, number: 0)
        let git = GitCommands(
            sandbox: sandbox, workspace: workspace, repository: repository, url: url,
            pins: try await pin(url), allowsHTTP: policy.allowsHTTP, timeout: timeout, limits: limits)
        let (commit, name) = try await resolve(ref, git)
        var fetched = Fetched()
        let tree = try await check(out: commit, git, into: folder, below: "", depth: 0, &fetched, progress)
        return GitCheckout(
            url: url.text, ref: ref, resolvedRef: name, commit: commit, tree: tree, submodules: fetched.submodules)
    }

    private struct Fetched {
        var submodules: [GitCheckout.Submodule] = []
    }

    // MARK: - Which commit

    private func resolve(_ ref: String?, _ git: GitCommands) async throws -> (commit: String, name: String) {
        if let ref, GitTree.bytes(hexadecimal: ref.lowercased()) != nil { return (ref.lowercased(), ref.lowercased()) }
        let names = ref.map { ["refs/heads/\($0)", "refs/tags/\($0)^{}", "refs/tags/\($0)"] } ?? ["HEAD"]
        let patterns = ref.map { ["refs/heads/\($0)", "refs/tags/\($0)", "refs/tags/\($0)^{}"] } ?? ["HEAD"]
        let listing = String(decoding: try await git.run(["ls-remote", "--", git.url.text] + patterns), as: UTF8.self)
        var found: [String: String] = [:]
        for line in listing.split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1)
            if parts.count == 2 { found[String(parts[1])] = String(parts[0]) }
        }
        for name in names {
            guard let id = found[name] else { continue }
            guard GitTree.bytes(hexadecimal: id) != nil else {
                throw SourceError.objectFormatUnsupported(url: git.url.text)
            }
            return (id, name)
        }
        guard let ref else { throw SourceError.repositoryEmpty(url: git.url.text) }
        let isHexadecimal = ref.count >= 7 && ref.count < 40 && ref.allSatisfy(\.isHexDigit)
        throw isHexadecimal ? SourceError.refAbbreviated(ref: ref) : SourceError.refNotFound(ref: ref)
    }

    // MARK: - The files

    private func check(
        out commit: String, _ git: GitCommands, into folder: FilePath, below prefix: String, depth: Int,
        _ fetched: inout Fetched, _ progress: @Sendable (String) async -> Void
    ) async throws -> String {
        _ = try await git.run(
            ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", git.url.text, commit],
            missing: .commitNotFound(commit: commit))
        let entries = try GitTreeListing.parse(
            try await git.run(["ls-tree", "-r", "-z", "--full-tree", commit], missing: .refNotCommit(ref: commit)))
        let writer = try GitTreeWriter(entries, into: folder, within: limits)
        do {
            try await git.run(["cat-file", "--batch", "--batch-all-objects", "--unordered", "--buffer"]) {
                try writer.take($0)
            }
            try writer.finish()
        } catch {
            writer.discard()
            throw error
        }
        let gitlinks = Dictionary(entries.filter { $0.mode == "160000" }.map { ($0.text, $0.id) }) { first, _ in first }
        let tree = try GitTree.identify(folder, gitlinks: gitlinks)
        guard tree == writer.tree(of: commit) else {
            throw SourceError.treeMismatch(expected: writer.tree(of: commit) ?? "", actual: tree)
        }
        guard !gitlinks.isEmpty else { return tree }
        guard depth < limits.submoduleDepth else {
            throw SourceError.submoduleTooDeep(path: prefix, limit: limits.submoduleDepth)
        }
        let urls = try await submoduleURLs(of: commit, git)
        for (path, id) in gitlinks.sorted(by: { $0.key < $1.key }) {
            guard let text = urls[path] else { throw SourceError.submoduleWithoutURL(path: prefix + path) }
            let url = try policy.check(Self.resolve(text, against: git.url.text))
            guard fetched.submodules.count < limits.submodules else {
                throw SourceError.tooManySubmodules(limit: limits.submodules)
            }
            fetched.submodules.append(.init(path: prefix + path, url: url.text, commit: id))
            await progress("Fetching submodule \(prefix + path)")
            let repository = try makeRepository(in: git.workspace, number: fetched.submodules.count)
            let inner = GitCommands(
                sandbox: sandbox, workspace: git.workspace, repository: repository, url: url, pins: try await pin(url),
                allowsHTTP: policy.allowsHTTP, timeout: timeout, limits: limits)
            _ = try await check(
                out: id, inner, into: folder.appending(FilePath(path).components), below: prefix + path + "/",
                depth: depth + 1, &fetched, progress)
        }
        return tree
    }

    private func submoduleURLs(of commit: String, _ git: GitCommands) async throws -> [String: String] {
        let listing = try await git.run(
            ["config", "--blob", "\(commit):.gitmodules", "--list", "-z"], allowFailure: true)
        var paths: [String: String] = [:]
        var urls: [String: String] = [:]
        for item in listing.split(separator: 0) {
            let parts = String(decoding: item, as: UTF8.self).split(separator: "\n", maxSplits: 1).map(String.init)
            guard parts.count == 2, parts[0].hasPrefix("submodule.") else { continue }
            if parts[0].hasSuffix(".path") { paths[String(parts[0].dropLast(5))] = parts[1] }
            if parts[0].hasSuffix(".url") { urls[String(parts[0].dropLast(4))] = parts[1] }
        }
        var result: [String: String] = [:]
        for (name, path) in paths { result[path] = urls[name] }
        return result
    }

    /// A submodule's URL may be relative to its repository's (gitsubmodules, `./` and `../`).
    private static func resolve(_ text: String, against base: String) -> String {
        guard text.hasPrefix("./") || text.hasPrefix("../") else { return text }
        var base = base.hasSuffix("/") ? String(base.dropLast()) : base
        var rest = Substring(text)
        while true {
            if rest.hasPrefix("./") {
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix("../") {
                rest = rest.dropFirst(3)
                guard let slash = base.lastIndex(of: "/") else { break }
                base = String(base[..<slash])
            } else {
                break
            }
        }
        return "\(base)/\(rest)"
    }

    // MARK: - Repositories

    private func pin(_ url: GitURL) async throws -> [String] {
        let policy = policy
        return try await withCheckedThrowingContinuation { continuation in
            // getaddrinfo blocks for as long as a name server likes.
            DispatchQueue.global().async { continuation.resume(with: Result { try policy.pin(url) }) }
        }
    }

    /// An empty bare repository, written by us so that nobody's template gets in.
    private func makeRepository(in workspace: Workspace, number: Int) throws -> FilePath {
        let path = workspace.path.appending("git-\(number)")
        for folder in [path, path.appending("objects"), path.appending("refs")] where mkdir(folder.string, 0o755) != 0 {
            throw SourceError.lastStorageError()
        }
        do {
            try Data("ref: refs/heads/none\n".utf8).write(to: URL(filePath: path.appending("HEAD").string))
            try Data("[core]\n\trepositoryformatversion = 0\n\tbare = true\n".utf8)
                .write(to: URL(filePath: path.appending("config").string))
        } catch {
            throw SourceError.storage(errno: EIO)
        }
        try workspace.handOver(path)
        return path
    }
}

/// git, as Kettle runs it: confined, with an environment and a configuration of ours alone.
struct GitCommands: Sendable {
    let sandbox: Sandbox
    let workspace: Workspace
    let repository: FilePath
    let url: GitURL
    let pins: [String]
    let allowsHTTP: Bool
    let timeout: Duration
    let limits: SourceLimits

    private static let configuration = [
        "core.hooksPath=/dev/null", "core.fsmonitor=false", "credential.helper=", "http.followRedirects=false",
        "protocol.allow=never", "protocol.https.allow=always", "fetch.fsckObjects=true", "transfer.fsckObjects=true",
        "fetch.recurseSubmodules=false", "gc.auto=0", "maintenance.auto=false", "http.lowSpeedLimit=1",
        "http.lowSpeedTime=60",
    ]

    /// Runs git and returns what it prints, at most 64 MiB.
    func run(
        _ arguments: [String], allowFailure: Bool = false, missing: SourceError? = nil
    ) async throws -> [UInt8] {
        let output = Mutex<[UInt8]>([])
        try await run(arguments, allowFailure: allowFailure, missing: missing) { chunk in
            try output.withLock { output in
                guard output.count + chunk.count <= 64 << 20 else {
                    throw SourceError.tooManyEntries(limit: limits.entries)
                }
                output += chunk
            }
        }
        return output.withLock { $0 }
    }

    /// Runs git and hands on what it prints as it comes.
    func run(
        _ arguments: [String], allowFailure: Bool = false, missing: SourceError? = nil,
        _ take: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void
    ) async throws {
        var settings = Self.configuration
        if allowsHTTP { settings.append("protocol.http.allow=always") }
        settings += pins.map { "http.curloptResolve=\($0)" }
        let command = SandboxCommand(
            arguments: ["/usr/bin/git", "--git-dir=/build/git"] + settings.flatMap { ["-c", $0] } + arguments,
            environment: [
                "PATH": SandboxCommand.standardSearchPath, "HOME": SandboxCommand.homeFolder, "LANG": "C.UTF-8",
                "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
                "GIT_ASKPASS": "/bin/false", "GIT_ATTR_NOSYSTEM": "1", "GIT_NO_REPLACE_OBJECTS": "1",
            ],
            workingDirectory: "/", mounts: [.writable(repository, at: "/build/git")], network: .host,
            limits: SandboxLimits(wallClock: timeout, outputBytes: Int(min(limits.bytes * 2, Int64(Int.max)))))
        let errors = Mutex<[UInt8]>([])
        let end: CommandEnd
        do {
            end = try await sandbox.run(command, in: workspace) { stream, chunk in
                switch stream {
                case .stdout: try take(chunk)
                case .stderr: errors.withLock { if $0.count < 64 << 10 { $0 += chunk } }
                }
            }
        } catch SandboxError.limitExceeded(let limit, let value) {
            throw limit == "wall clock"
                ? SourceError.fetchTimedOut(url: url.text, limit: value) : .fetchTooLarge(url: url.text)
        }
        guard !end.succeeded, !allowFailure else { return }
        throw failure(String(decoding: errors.withLock { $0 }, as: UTF8.self).lowercased(), end.status, missing)
    }

    private func failure(_ text: String, _ status: Int32, _ missing: SourceError?) -> SourceError {
        if text.contains("terminal prompts disabled") || text.contains("authentication failed")
            || text.contains("could not read username") || text.contains("error: 401") || text.contains("error: 403")
        {
            return .authenticationRequired(url: url.text)
        }
        if text.contains("not our ref") || text.contains("unadvertised object")
            || text.contains("not a tree object") || text.contains("couldn't find remote ref")
        {
            return missing ?? .gitFailed(url: url.text, status: status)
        }
        if text.contains("not found") || text.contains("error: 404") { return .repositoryNotFound(url: url.text) }
        if text.contains("error: 30") || text.contains("redirect") { return .redirected(url: url.text) }
        if text.contains("could not resolve") || text.contains("failed to connect") || text.contains("unable to access")
            || text.contains("couldn't connect")
        {
            return .remoteUnreachable(url: url.text)
        }
        if text.contains("fsck") || text.contains("bad object") { return .objectsInvalid(url: url.text) }
        return .gitFailed(url: url.text, status: status)
    }
}
