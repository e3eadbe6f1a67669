import Foundation
import Glibc
import KettleSandbox
import KettleTesting
import NIOPosix
import SystemPackage
import Testing

@testable import KettleSource

/// Uploads that bring their `.git` along.
@Suite(
    .enabled(if: KettleExecutable.canConfine && Command.isInstalled("git"), "git or bubblewrap is not installed"),
    .timeLimit(.minutes(15)))
struct ArchivedCommitTests {
    /// A repository on disk, what its archive becomes, and the commit that Kettle reads of it.
    private struct Upload {
        var commit: GitCommit?
        var repository: ArchivedRepository?
        var tree: GitTreeID
    }

    private func upload(
        _ format: String = "tar.gz", folder: String? = nil, objectFormat: String = "sha1",
        _ change: (FilePath, (String...) async throws -> Void) async throws -> Void
    ) async throws -> Upload {
        let scratch = try ScratchFolder()
        let top = scratch.path.appending("packed")
        let project = folder.map { top.appending($0) } ?? top
        try FileManager.default.createDirectory(atPath: project.string, withIntermediateDirectories: true)
        let git = { (arguments: String...) async throws in
            let ended = try await Command.run(
                "git", ["-c", "user.name=A", "-c", "user.email=a@example.com"] + arguments, in: project)
            guard ended.status == 0 else { throw CommandFailed(program: "git \(arguments)", ended: ended) }
        }
        try await git("init", "--quiet", "--initial-branch=main", "--object-format=\(objectFormat)")
        try Data("[package]\n".utf8).write(to: URL(filePath: project.appending("Cargo.toml").string))
        try await git("add", "--all")
        try await git("commit", "--quiet", "--message", "A change")
        try await change(project, git)
        let archive = scratch.path.appending("archive")
        let command = format == "zip" ? ["zip", "-qry", archive.string, "."] : ["tar", "-czf", archive.string, "."]
        let ended = try await Command.run(command[0], Array(command.dropFirst()), in: top)
        try #require(ended.status == 0, "\(ended.everything)")

        let bench = try GitBench()
        let source = bench.workspace.path.appending("source")
        let repository = try ArchiveSource.unpack(
            .file(format == "zip" ? FilePath(archive.string + ".zip") : archive), into: source,
            repository: bench.workspace.path.appending("repository"), within: .standard)
        var commit: GitCommit?
        if let repository { commit = try await bench.headCommit(of: repository) }
        return Upload(commit: commit, repository: repository, tree: try GitTree.identify(source))
    }

    @Test(arguments: ["zip", "tar.gz"], [nil, "project-1.0"])
    func `the commit that is checked out is read and has the tree of the files`(
        format: String, folder: String?
    ) async throws {
        var head = ""
        let upload = try await upload(format, folder: folder) { project, git in
            try await git("gc", "--quiet")
            try Data("[package]\n# more\n".utf8).write(to: URL(filePath: project.appending("Cargo.toml").string))
            try await git("commit", "--quiet", "--all", "--message", "Another")
            head = try await Command.run("git", ["rev-parse", "HEAD"], in: project).output
                .trimmingCharacters(in: .newlines)
        }
        #expect(upload.repository?.folder == folder)
        #expect(upload.commit?.id == head)
        #expect(upload.commit?.tree == (folder == nil ? upload.tree.sha1 : upload.tree.onlyFolder?.sha1))
    }

    @Test func `a repository may name its objects by SHA-256`() async throws {
        let upload = try await upload(objectFormat: "sha256") { _, _ in }
        #expect(upload.commit?.id.utf8.count == 64)
        #expect(upload.commit?.tree == upload.tree.sha256)
    }

    @Test func `files that are not the commit's have another tree`() async throws {
        let upload = try await upload { project, _ in
            try Data("[package]\n# evil\n".utf8).write(to: URL(filePath: project.appending("Cargo.toml").string))
        }
        #expect(upload.commit != nil)
        #expect(upload.commit?.tree != upload.tree.sha1)
    }

    @Test func `what a repository says to run or to read elsewhere is not even copied`() async throws {
        let witness = FilePath("/tmp/kettle-archived-commit-\(UInt64.random(in: 0 ... .max))")
        let upload = try await upload { project, _ in
            let git = project.appending(".git")
            let config = """
                [core]
                \tfsmonitor = "touch \(witness)"
                \tsshCommand = "touch \(witness)"
                [extensions]
                \tworktreeConfig = true
                [include]
                \tpath = /etc/passwd

                """
            try Data(config.utf8).write(to: URL(filePath: git.appending("config").string))
            try Data("/etc\n".utf8).write(to: URL(filePath: git.appending("objects/info/alternates").string))
        }
        #expect(upload.commit?.tree == upload.tree.sha1)
        #expect(access(witness.string, F_OK) != 0)
    }

    @Test(arguments: ["ref: refs/heads/none\n", "ref: ../../../../etc/passwd\n", "", "0000", "\u{0}\u{0}"])
    func `a HEAD that leads nowhere names no commit`(head: String) async throws {
        let upload = try await upload { project, _ in
            try Data(head.utf8).write(to: URL(filePath: project.appending(".git/HEAD").string))
        }
        #expect(upload.repository != nil)
        #expect(upload.commit == nil)
    }

    @Test func `a damaged object names no commit`() async throws {
        let upload = try await upload { project, git in
            let head = try await Command.run("git", ["rev-parse", "HEAD"], in: project).output
            let object = project.appending(".git/objects/\(head.prefix(2))/\(head.dropFirst(2).prefix(38))")
            #expect(chmod(object.string, 0o644) == 0)
            var bytes = try Data(contentsOf: URL(filePath: object.string))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: object.string))
        }
        #expect(upload.commit == nil)
    }

    @Test func `an object under another's name is known by its own`() async throws {
        var claimed = ""
        let upload = try await upload { project, git in
            let evil = try await Command.run("git", ["rev-parse", "HEAD"], in: project).output.prefix(40)
            try await git("commit", "--quiet", "--allow-empty", "--message", "Reviewed")
            claimed = String(try await Command.run("git", ["rev-parse", "HEAD"], in: project).output.prefix(40))
            let objects = project.appending(".git/objects")
            let place = objects.appending("\(claimed.prefix(2))/\(claimed.dropFirst(2))").string
            #expect(unlink(place) == 0)
            try FileManager.default.copyItem(
                atPath: objects.appending("\(evil.prefix(2))/\(evil.dropFirst(2))").string, toPath: place)
        }
        #expect(upload.commit?.id != claimed)
    }

    @Test func `of a .git that is a file or deep down nothing is taken`() async throws {
        let scratch = try ScratchFolder()
        for entries in [
            PackedZIP(.init("a"), .init(".git")), PackedZIP(.init("a"), .init("x/y/.git/HEAD")),
            PackedZIP(.init("a"), .init(".GIT/HEAD")), PackedZIP(.init("a"), .init(".git/hooks/post-checkout")),
        ] {
            let folder = scratch.path.appending("\(UInt64.random(in: 0 ... .max))")
            let repository = try ArchiveSource.unpack(
                .memory(entries.bytes), into: folder, repository: scratch.path.appending("repository"),
                within: .standard)
            #expect(repository == nil)
            #expect(access(scratch.path.appending("repository").string, F_OK) != 0)
        }
    }
}
