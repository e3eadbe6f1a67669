import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

@testable import KettleSource

@Suite struct GitTreeTests {
    @Test func `an empty folder has git's empty tree`() throws {
        let scratch = try ScratchFolder()
        #expect(try GitTree.identify(scratch.path).sha1 == "4b825dc642cb6eb9a060e54bf8d69288fbee4904")
    }

    @Test(.enabled(if: Command.isInstalled("git"), "git is not installed"))
    func `a folder has the id that git gives it`() async throws {
        let scratch = try ScratchFolder()
        // A folder is sorted as if its name ended in a slash: after "a.b" and "a-", before "a0".
        let folder = try scratch.write(
            [
                "a/x": "1", "a.b": "2", "a-": "3", "a0": "4", "A": "5", "empty": "", "deep/er/est": "6", "\u{E9}": "7",
                "b\u{FC}cher": "8", "run": "9", "large": String(repeating: "0123456789abcdef", count: 40_000),
            ], to: "project")
        #expect(chmod(folder.appending("run").string, 0o755) == 0)
        #expect(symlink("../a.b", folder.appending("a/link").string) == 0)
        #expect(symlink("nowhere", folder.appending("link").string) == 0)
        #expect(mkdir(folder.appending("hollow").string, 0o755) == 0)
        let name = FileName([0xFF])
        #expect(name.withCString { makeFile(in: folder, $0) })
        let git = { (arguments: [String]) async throws -> String in
            let ended = try await Command.run(
                "git", ["--git-dir", scratch.path.appending("git").string, "--work-tree", folder.string] + arguments,
                in: folder)
            guard ended.status == 0 else { throw CommandFailed(program: "git", ended: ended) }
            return ended.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        _ = try await git(["init", "--quiet"])
        _ = try await git(["add", "--all", "--force"])
        #expect(try await GitTree.identify(folder).sha1 == git(["write-tree"]))
    }

    /// One index over a thousand folders, so that git runs twice and not thousands of times.
    @Test(.enabled(if: Command.isInstalled("git"), "git is not installed"), arguments: ["sha1", "sha256"])
    func `a thousand generated trees have the ids that git gives them`(objectFormat: String) async throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path.appending("trees")
        let seed = UInt64.random(in: 0 ... .max)
        var generated = GeneratedTrees(seed: seed)
        for number in 0..<1000 { try generated.write(to: folder.appending("tree-\(number)")) }
        let git = { (arguments: [String]) async throws -> String in
            let ended = try await Command.run(
                "git", ["--git-dir", scratch.path.appending("git").string, "--work-tree", folder.string] + arguments,
                in: folder)
            guard ended.status == 0 else { throw CommandFailed(program: "git", ended: ended) }
            return ended.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        _ = try await git(["init", "--quiet", "--object-format=\(objectFormat)"])
        _ = try await git(["-c", "core.autocrlf=false", "add", "--all", "--force"])
        let tree = try await git(["write-tree"])
        #expect(try GitTree.identify(folder).name(in: objectFormat) == tree, "seed \(seed)")
        var compared = 0
        for line in try await git(["ls-tree", tree]).split(separator: "\n") {
            let parts = line.split { $0 == " " || $0 == "\t" }
            let id = try GitTree.identify(folder.appending(String(parts[3]))).name(in: objectFormat)
            #expect(id == String(parts[2]), "\(parts[3]) of seed \(seed)")
            compared += 1
        }
        #expect(compared == 1000)
    }

    @Test func `a folder around everything has an id of its own`() throws {
        let scratch = try ScratchFolder()
        let folder = try scratch.write(["top/a": "1", "top/b/c": "2"], to: "project")
        let id = try GitTree.identify(folder)
        let inner = try GitTree.identify(folder.appending("top"))
        #expect(id.onlyFolder == .init(name: "top", sha1: inner.sha1, sha256: try #require(inner.sha256)))
        try scratch.write(["beside": "3"], to: "project")
        #expect(try GitTree.identify(folder).onlyFolder == nil)
    }

    /// Makes an empty file with a name that is no text.
    private func makeFile(in folder: FilePath, _ name: UnsafePointer<CChar>) -> Bool {
        let parent = open(folder.string, O_RDONLY | O_DIRECTORY)
        defer { close(parent) }
        let file = openat(parent, name, O_WRONLY | O_CREAT, 0o644)
        defer { close(file) }
        return file >= 0
    }

    @Test func `a submodule counts by its commit, whatever is in its folder`() throws {
        let scratch = try ScratchFolder()
        let folder = try scratch.write(["a": "1", "lib/b": "2", "e\u{301}/c": "3"], to: "project")
        let commit = [UInt8](repeating: 7, count: 20)
        let links = [Array("lib".utf8): commit]
        let before = try GitTree.identify(folder, gitlinks: links)
        try scratch.write(["lib/b": "changed"], to: "project")
        #expect(try GitTree.identify(folder, gitlinks: links) == before)
        #expect(try GitTree.identify(folder, gitlinks: [:]) != before)
        // The same letters in other bytes are another path.
        #expect(
            try GitTree.identify(folder, gitlinks: [Array("lib".utf8): commit, Array("\u{E9}".utf8): commit]) == before)
    }

    @Test func `what git cannot hold is refused`() throws {
        let scratch = try ScratchFolder()
        let folder = try scratch.write(["a/b": "1"], to: "project")
        #expect(mkfifo(folder.appending("a/pipe").string, 0o644) == 0)
        #expect(throws: SourceError.entryTypeUnknown(path: "a/pipe")) { try GitTree.identify(folder) }
    }

    @Test func `a link is not a folder to identify`() throws {
        let scratch = try ScratchFolder()
        let folder = try scratch.write(["a": "1"], to: "project")
        let link = scratch.path.appending("link")
        #expect(symlink(folder.string, link.string) == 0)
        #expect(throws: SourceError.storage(errno: ENOTDIR)) { try GitTree.identify(link) }
    }
}

extension GitTreeID {
    fileprivate func name(in objectFormat: String) -> String? { objectFormat == "sha1" ? sha1 : sha256 }
}
