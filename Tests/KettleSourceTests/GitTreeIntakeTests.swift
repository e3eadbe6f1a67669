import Foundation
import KettleTesting
import SystemPackage
import Testing

@testable import KettleSource

extension GitSourceTests {
    @Suite struct Trees {
        @Test func `files come as they were committed`() async throws {
            try await GitRepositories.serving { repositories in
                let pointer =
                    "version https://git-lfs.github.com/spec/v1\noid sha256:\(String(repeating: "0", count: 64))\nsize 1\n"
                let repository = try await repositories.make(
                    "project",
                    [
                        "a.txt": "$Id$ $Format:%H$\none\ntwo\r\n", "hidden": "there\n", "large.bin": pointer,
                        "empty": "",
                        "run": "#!/bin/sh\n", "same/a": "twice", "same/b": "twice", "same/c": "twice",
                        "README": "upper\n", "readme": "lower\n", "deep/er/est": "bottom\n",
                        "big/a": String(repeating: "big", count: 1 << 20),
                        "big/b": String(repeating: "big", count: 1 << 20),
                    ])
                let folder = repository.folder
                for (link, target) in [("inside", "deep/../a.txt"), ("deep/up", "../a.txt"), ("dangling", "nowhere")] {
                    try FileManager.default.createSymbolicLink(
                        atPath: folder.appending(link).string, withDestinationPath: target)
                }
                for program in ["run", "same/b", "big/b"] {
                    try FileManager.default.setAttributes(
                        [.posixPermissions: 0o755], ofItemAtPath: folder.appending(program).string)
                }
                _ = try await repository.commit([:])
                // Last, and by its id: git would convert the files as it adds them.
                let attributes = try await repository.blob(
                    "*.txt filter=evil text eol=crlf ident export-subst working-tree-encoding=UTF-16\nhidden export-ignore\n"
                )
                try await repository.git("update-index", "--add", "--cacheinfo", "100644,\(attributes),.gitattributes")
                try await repository.git("commit", "--quiet", "--message", "Attributes")
                let commit = try await repository.git("rev-parse", "HEAD")

                let fetched = try await GitBench().fetch(repository.url)
                #expect(try await fetched.checkout.tree == repository.git("rev-parse", "\(commit)^{tree}"))
                #expect(try GitTree.identify(fetched.folder).sha1 == fetched.checkout.tree)
                #expect(try fetched.text("a.txt") == "$Id$ $Format:%H$\none\ntwo\r\n")
                #expect(try fetched.text("hidden") == "there\n")
                #expect(try fetched.text("large.bin") == pointer)
                #expect(try fetched.text("README") == "upper\n")
                #expect(try fetched.text("readme") == "lower\n")
                #expect(try fetched.text("same/b") == "twice")
                #expect(
                    try FileManager.default.destinationOfSymbolicLink(
                        atPath: fetched.folder.appending("deep/up").string) == "../a.txt")
                #expect(!FileManager.default.fileExists(atPath: fetched.folder.appending(".git").string))
                for (file, isExecutable) in [
                    ("run", true), ("same/a", false), ("same/b", true), ("big/a", false), ("big/b", true),
                ] {
                    let path = fetched.folder.appending(file).string
                    #expect(FileManager.default.isExecutableFile(atPath: path) == isExecutable, "\(file)")
                }
            }
        }

        @Test func `names are bytes`() async throws {
            try await GitRepositories.serving { repositories in
                let repository = try await repositories.empty("project")
                let blob = try await repository.blob("content")
                let names: [[UInt8]] = [
                    [0x01, 0x7F], Array("a\tb\nc".utf8), Array("\"quoted\"".utf8), Array("back\\slash".utf8),
                    Array("e\u{301}".utf8), [0xC3, 0x28], Array("\u{E9}".utf8), [0xFF, 0xFE],
                ].sorted { $0.lexicographicallyPrecedes($1) }
                try await repository.branch("main", names.map { TreeEntry($0, blob) })

                let fetched = try await GitBench().fetch(repository.url)
                #expect(try await fetched.checkout.tree == repository.git("rev-parse", "main^{tree}"))
                let written = try FolderListing.entries(of: fetched.folder).map { Array($0.name.bytes) }
                #expect(written.sorted { $0.lexicographicallyPrecedes($1) } == names)
            }
        }

        @Test func `trees that git would not make are refused`() async throws {
            try await GitRepositories.serving { repositories in
                let repository = try await repositories.empty("project")
                let blob = try await repository.blob("content")
                let config = try await repository.tree([TreeEntry("config", blob)])
                let none = String(repeating: "0", count: 40)
                let cases: [(name: String, entries: [TreeEntry], code: String)] = [
                    ("git", [TreeEntry(".git", config, mode: "40000")], "objects_invalid"),
                    ("upper", [TreeEntry(".GiT", config, mode: "40000")], "objects_invalid"),
                    ("gitfile", [TreeEntry(".git", blob)], "objects_invalid"),
                    ("short", [TreeEntry("git~1", blob)], "objects_invalid"),
                    ("parent", [TreeEntry("..", config, mode: "40000")], "objects_invalid"),
                    ("self", [TreeEntry(".", config, mode: "40000")], "objects_invalid"),
                    ("slash", [TreeEntry("../../evil", blob)], "objects_invalid"),
                    ("root", [TreeEntry("/etc/evil", blob)], "objects_invalid"),
                    ("nameless", [TreeEntry("", blob)], "objects_invalid"),
                    ("twice", [TreeEntry("a", blob), TreeEntry("a", blob)], "objects_invalid"),
                    ("both", [TreeEntry("a", blob), TreeEntry("a", config, mode: "40000")], "objects_invalid"),
                    ("unsorted", [TreeEntry("b", blob), TreeEntry("a", blob)], "objects_invalid"),
                    ("padded", [TreeEntry("a", config, mode: "040000")], "objects_invalid"),
                    ("null", [TreeEntry("a", none)], "objects_invalid"),
                    ("group", [TreeEntry("a", blob, mode: "100664")], "tree_mismatch"),
                    ("device", [TreeEntry("a", blob, mode: "60000")], "tree_mismatch"),
                ]
                let bench = try GitBench()
                for (name, entries, code) in cases {
                    try await repository.branch(name, entries)
                    #expect(try await bench.code(repository.url, ref: name) == "source.\(code)", "\(name)")
                }
            }
        }

        @Test func `links that lead out are refused`() async throws {
            try await GitRepositories.serving { repositories in
                let repository = try await repositories.empty("project")
                let bench = try GitBench()
                for (name, target, code) in [
                    ("absolute", "/etc/passwd", "link_absolute"), ("parent", "../a", "link_escapes_tree"),
                    ("deep", "a/../../b", "link_escapes_tree"),
                    ("long", String(repeating: "a", count: 4096), "link_target_invalid"),
                    ("nul", "a\0b", "link_target_invalid"),
                    ("empty", "", "link_target_invalid"),
                ] {
                    let blob = try await repository.blob(target)
                    try await repository.branch(name, [TreeEntry("link", blob, mode: "120000")])
                    #expect(try await bench.code(repository.url, ref: name) == "source.\(code)", "\(name)")
                }
            }
        }

        @Test func `a source has limits`() async throws {
            try await GitRepositories.serving { repositories in
                let repository = try await repositories.make("project", ["a/b/c/d": "1", "e": "2"])
                for (limits, code) in [
                    (SourceLimits(entries: 4), "too_many_entries"), (SourceLimits(depth: 3), "entry_too_deep"),
                    (SourceLimits(pathBytes: 6), "entry_path_too_long"), (SourceLimits(bytes: 1), "too_large"),
                ] {
                    #expect(try await GitBench(limits: limits).code(repository.url) == "source.\(code)")
                }
                let enough = SourceLimits(entries: 5, bytes: 2, depth: 4, pathBytes: 7)
                #expect(try await GitBench(limits: enough).code(repository.url) == nil)
            }
        }
    }
}
