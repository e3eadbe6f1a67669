import Crypto
import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

@testable import KettleSource

/// A git that lies: what the writer is told when neither git nor its checks can be relied on.
@Suite struct GitTreeWriterTests {
    private static let commitText = "tree \(String(repeating: "a", count: 40))\nauthor A\n\nA change\n"
    private static let commit = id("commit", commitText)

    private static func id(_ type: String, _ text: String) -> String {
        var hasher = GitTree.begin(type, Int64(text.utf8.count))
        hasher.update(data: Array(text.utf8))
        return Array(hasher.finalize()).hexadecimal
    }

    private static func object(_ type: String, _ text: String, named id: String? = nil, size: Int? = nil) -> String {
        "\(id ?? Self.id(type, text)) \(type) \(size ?? text.utf8.count)\n\(text)\n"
    }

    private static func entry(_ path: String, _ id: String, _ kind: GitTreeListing.Kind = .file(isExecutable: false))
        -> GitTreeListing
    {
        GitTreeListing(kind: kind, id: id, path: Array(path.utf8))
    }

    /// Writes what git is made to print, in pieces of some size.
    private func write(
        _ output: String, _ entries: [GitTreeListing], to folder: FilePath, piece: Int = 7,
        within limits: SourceLimits = .standard
    ) throws -> GitTreeWriter {
        let writer = try GitTreeWriter(entries, of: Self.commit, from: "u", into: folder, within: limits)
        let bytes = Array(output.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            try bytes[start..<min(bytes.count, start + piece)].withUnsafeBytes { try writer.take($0) }
        }
        try writer.finish()
        return writer
    }

    private func code(_ output: String, _ entries: [GitTreeListing], limits: SourceLimits = .standard) throws -> String?
    {
        let scratch = try ScratchFolder()
        do {
            _ = try write(output, entries, to: scratch.path.appending("out"), within: limits)
            return nil
        } catch let error as SourceError {
            return error.code
        }
    }

    @Test(arguments: [1, 2, 3, 41, 1000])
    func `objects may come in any pieces and any order`(piece: Int) throws {
        let scratch = try ScratchFolder()
        let folder = scratch.path.appending("out")
        let output =
            Self.object("blob", "two\n\n") + Self.object("tree", "unread") + Self.object("blob", "")
            + Self.object("commit", Self.commitText) + Self.object("blob", "target") + Self.object("blob", "stranger")
        let (two, none, target) = (Self.id("blob", "two\n\n"), Self.id("blob", ""), Self.id("blob", "target"))
        let writer = try write(
            output,
            [
                Self.entry("a", two), Self.entry("b/c", two, .file(isExecutable: true)), Self.entry("d", none),
                Self.entry("link", target, .link), Self.entry("file", target),
                Self.entry("lib", String(repeating: "0", count: 40), .gitlink),
            ], to: folder, piece: piece)
        #expect(writer.tree == String(repeating: "a", count: 40))
        #expect(writer.contents.entries == 7)
        #expect(writer.contents.bytes == 26)
        #expect(writer.contents.links.all.count == 1)
        for (path, text) in [("a", "two\n\n"), ("b/c", "two\n\n"), ("d", ""), ("file", "target")] {
            #expect(try String(contentsOfFile: folder.appending(path).string, encoding: .utf8) == text)
        }
        #expect(access(folder.appending("b/c").string, X_OK) == 0)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.appending("link").string) == "target")
    }

    @Test func `output that breaks its format is refused`() throws {
        let id = Self.id("blob", "one")
        let whole = Self.object("blob", "one")
        #expect(try code(whole, [Self.entry("a", id)]) == nil)
        for output in [
            "", String(whole.dropLast()), String(whole.dropLast(2)), String(whole.dropLast()) + "x", whole + "x",
            "\n" + whole, Self.object("blob", "two", named: id), Self.object("tree", "one", named: id),
            Self.object("blob", "one", size: 2), Self.object("blob", "one", size: 4), "\(id) blob\none\n",
            "\(id) blob -3\none\n", "\(id) blob +3x\none\n", "\(id) missing\n",
            "\(id) blob 99999999999999999999\none\n", String(repeating: "a", count: 300) + whole,
        ] {
            #expect(try code(output, [Self.entry("a", id)]) == "source.objects_invalid", "\(output)")
        }
        // Held in memory, a blob is checked as one that is streamed.
        let two = [Self.entry("a", id), Self.entry("b", id)]
        #expect(try code(Self.object("blob", "two", named: id), two) == "source.objects_invalid")
    }

    @Test func `a commit is only what has its id`() throws {
        let scratch = try ScratchFolder()
        let stranger = try write(Self.object("commit", "tree b\n"), [], to: scratch.path.appending("stranger"))
        #expect(stranger.tree == nil)
        let blob = try write(
            Self.object("blob", Self.commitText, named: Self.commit), [], to: scratch.path.appending("blob"))
        #expect(blob.tree == nil)
        #expect(try code(Self.object("commit", "tree b\n", named: Self.commit), []) == "source.objects_invalid")
    }

    @Test(arguments: [
        (".git", "entry_dot_git"), ("a/.GIT/config", "entry_dot_git"), ("..", "entry_escapes_tree"),
        ("a/../../b", "entry_escapes_tree"), ("/etc/passwd", "entry_absolute"), ("", "entry_name_empty"),
        (".", "entry_name_empty"), (String(repeating: "a", count: 256), "entry_name_too_long"),
    ])
    func `a path that leads elsewhere is refused`(path: String, expected: String) throws {
        let output = Self.object("blob", "one")
        for kind in [GitTreeListing.Kind.file(isExecutable: false), .link, .gitlink] {
            #expect(try code(output, [Self.entry(path, Self.id("blob", "one"), kind)]) == "source.\(expected)")
        }
    }

    @Test func `entries that stand on each other are refused`() throws {
        let id = Self.id("blob", "one")
        let output = Self.object("blob", "one")
        #expect(try code(output, [Self.entry("a", id), Self.entry("a", id)]) == "source.entry_duplicate")
        #expect(try code(output, [Self.entry("a", id), Self.entry("a/b", id)]) == "source.entry_conflict")
        #expect(try code(output, [Self.entry("a", id, .link), Self.entry("a/b", id)]) == "source.entry_through_link")
        #expect(try code(output, [Self.entry("a", id, .gitlink), Self.entry("a", id)]) == "source.entry_conflict")
    }

    @Test(arguments: [
        "100644 blob abc\ta", "100644 blob", "100644\ta", "100644 blob \(String(repeating: "g", count: 40))\ta",
        "100644 blob \(String(repeating: "A", count: 40))\ta", "100644 blob \(String(repeating: "a", count: 64))\ta",
    ])
    func `a listing that breaks its format is refused`(line: String) {
        #expect(throws: SourceError.objectsInvalid(url: "u")) { try GitTreeListing.parse(Array(line.utf8), from: "u") }
    }

    @Test(arguments: ["100664", "040000", "060000", "0", "+100644"])
    func `an unknown mode is refused`(mode: String) {
        let line = "\(mode) blob \(String(repeating: "a", count: 40))\ta"
        #expect(throws: SourceError.entryTypeUnknown(path: "a")) {
            try GitTreeListing.parse(Array(line.utf8), from: "u")
        }
    }
}
