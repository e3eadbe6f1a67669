import Foundation
import Glibc
import KettleError
import KettleProvenance
import KettleSandbox
import KettleTesting
import NIOPosix
import Synchronization
import SystemPackage
import Testing

@testable import KettleSource

/// A place to fetch into: a workspace, and a source that may speak to this machine's own servers.
final class GitBench: Sendable {
    let workspace: Workspace
    private let folder: FilePath
    private let source: GitSource
    private let policy: URLPolicy
    private let count = Atomic<Int>(0)

    init(
        limits: SourceLimits = .standard, timeout: Duration = .seconds(600),
        allowing prefixes: [String] = ["http://127.0.0.1"]
    ) throws {
        folder = FilePath("/tmp/kettle-source-tests-\(UInt64.random(in: .min ... .max))")
        guard mkdir(folder.string, 0o700) == 0 else { throw Errno(rawValue: errno) }
        let sandbox = try Sandbox(confiner: KettleExecutable.confiner)
        workspace = try sandbox.makeWorkspace(at: folder.appending("workspace"))
        policy = try URLPolicy(allowedPrefixes: prefixes)
        source = GitSource(
            sandbox: sandbox, policy: policy, threads: .singleton, limits: limits, timeout: timeout)
    }

    deinit {
        workspace.remove()
        Workspace(path: folder, uid: nil).remove()
    }

    /// A commit as it was written.
    struct Fetched {
        var checkout: GitCheckout
        var folder: FilePath
        /// Keeps the files.
        var bench: GitBench

        func text(_ path: String) throws -> String {
            try String(decoding: Data(contentsOf: URL(filePath: folder.appending(path).string)), as: UTF8.self)
        }

        /// What `ls` would show, without what begins with a dot.
        func names(in path: String = "") throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder.appending(path).string).sorted()
        }
    }

    func fetch(_ url: String, ref: String? = nil) async throws -> Fetched {
        let target = workspace.path.appending("source-\(count.add(1, ordering: .relaxed).newValue)")
        let checkout = try await source.fetch(
            try policy.check(url), ref: try ref.map { try GitRef(checking: $0) }, into: target, workspace: workspace,
            progress: { _ in })
        #expect(access(workspace.path.appending("git").string, F_OK) != 0)
        return Fetched(checkout: checkout, folder: target, bench: self)
    }

    func headCommit(of repository: ArchivedRepository) async throws -> GitCommit? {
        try await source.headCommit(of: repository, in: workspace)
    }

    /// What stands in the workspace.
    func leftovers() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: workspace.path.string).sorted()
    }

    /// The code of the error that a fetch ends with. Nothing may be left of it.
    func code(_ url: String, ref: String? = nil) async throws -> String? {
        let before = try leftovers()
        do {
            _ = try await fetch(url, ref: ref)
            return nil
        } catch let error as any UserFacingError {
            #expect(try leftovers() == before)
            #expect(!error.message.contains(workspace.path.string))
            return error.code
        }
    }
}

/// One entry of a tree made by hand.
struct TreeEntry {
    var mode = "100644"
    var name: [UInt8]
    var id: String

    init(_ name: String, _ id: String, mode: String = "100644") {
        self.init(Array(name.utf8), id, mode: mode)
    }

    init(_ name: [UInt8], _ id: String, mode: String = "100644") {
        self.mode = mode
        self.name = name
        self.id = id
    }
}

extension GitRepository {
    /// Writes an object that git itself would not make.
    func object(_ type: String, _ content: [UInt8]) async throws -> String {
        try Data(content).write(to: URL(filePath: folder.appending(".git/content").string))
        return try await git("hash-object", "-t", type, "-w", "--literally", ".git/content")
    }

    func blob(_ text: String) async throws -> String { try await object("blob", Array(text.utf8)) }

    func tree(_ entries: [TreeEntry]) async throws -> String {
        var content: [UInt8] = []
        for entry in entries {
            content += Array("\(entry.mode) ".utf8) + entry.name + [0] + ([UInt8](hexadecimal: entry.id) ?? [])
        }
        return try await object("tree", content)
    }

    /// Makes a branch of one commit.
    @discardableResult
    func branch(_ name: String, tree: String) async throws -> String {
        let commit = try await git("commit-tree", "-m", "A change", tree)
        try await git("update-ref", "refs/heads/\(name)", commit)
        return commit
    }

    @discardableResult
    func branch(_ name: String, _ entries: [TreeEntry]) async throws -> String {
        try await branch(name, tree: try await tree(entries))
    }
}
