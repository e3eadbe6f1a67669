import KettleTesting
import SystemPackage
import Testing

@testable import KettleSource

extension GitSourceTests {
    @Suite struct Submodules {
        /// Makes a branch with the submodules that are named, as a `.gitmodules` by hand says.
        private func branch(
            _ name: String, _ modules: String, _ gitlinks: [(path: String, commit: String)],
            in repository: GitRepository
        ) async throws {
            let file = TreeEntry(".gitmodules", try await repository.blob(modules))
            let links = gitlinks.map { TreeEntry($0.path, $0.commit, mode: "160000") }
            try await repository.branch(name, [file] + links.sorted { $0.name.lexicographicallyPrecedes($1.name) })
        }

        private func module(_ path: String, _ url: String) -> String {
            "[submodule \"\(path)\"]\n\tpath = \(path)\n\turl = \(url)\n"
        }

        @Test func `submodules are fetched in their commits, however deep`() async throws {
            try await GitRepositories.serving { repositories in
                let inner = try await repositories.make("inner", ["c": "inner\n"])
                let middle = try await repositories.make("middle", ["b": "middle\n"])
                try await middle.addSubmodule("../inner", at: "deep/inner")
                let second = try await middle.commit([:])
                let outer = try await repositories.make("outer", ["a": "outer\n"])
                try await outer.addSubmodule("../middle", at: "middle")
                try await outer.addSubmodule(inner.url, at: "\u{E9}")
                let third = try await outer.commit([:])
                let first = try await inner.git("rev-parse", "HEAD")
                _ = try await inner.commit(["c": "later\n"])

                let fetched = try await GitBench().fetch(outer.url)
                #expect(
                    fetched.checkout.submodules == [
                        .init(path: "middle", url: middle.url, commit: second),
                        .init(path: "middle/deep/inner", url: inner.url, commit: first),
                        .init(path: "\u{E9}", url: inner.url, commit: first),
                    ])
                #expect(try await fetched.checkout.tree == outer.git("rev-parse", "\(third)^{tree}"))
                for (path, text) in [
                    ("a", "outer\n"), ("middle/b", "middle\n"), ("middle/deep/inner/c", "inner\n"),
                    ("\u{E9}/c", "inner\n"),
                ] {
                    #expect(try fetched.text(path) == text)
                }
            }
        }

        @Test func `a submodule that cannot be fetched is refused`() async throws {
            try await GitRepositories.serving { repositories in
                let library = try await repositories.make("library", ["a": "b"])
                let commit = try await library.git("rev-parse", "HEAD")
                let tree = try await library.git("rev-parse", "HEAD^{tree}")
                let none = String(repeating: "1", count: 40)
                let outer = try await repositories.empty("outer")
                let cases: [(name: String, modules: String, commit: String, code: String)] = [
                    ("file", module("lib", "file:///etc"), commit, "url_scheme_not_allowed"),
                    ("ssh", module("lib", "git@example.com:a/b"), commit, "url_scheme_not_allowed"),
                    ("ext", module("lib", "ext::sh"), commit, "url_scheme_not_allowed"),
                    ("path", module("lib", "/etc"), commit, "url_malformed"),
                    ("private", module("lib", "https://10.0.0.1/a"), commit, "url_not_public"),
                    ("user", module("lib", "http://user@127.0.0.1/a"), commit, "url_has_credentials"),
                    ("above", module("lib", "../../../a"), commit, "url_malformed"),
                    ("elsewhere", module("other", "../library"), commit, "submodule_without_url"),
                    ("slash", module("lib/", "../library"), commit, "submodule_without_url"),
                    ("nothing", "", commit, "submodule_without_url"),
                    ("nameless", "[submodule \"lib\"]\n\tpath = lib\n", commit, "submodule_without_url"),
                    ("broken", "[submodule \"lib\"\n", commit, "submodule_without_url"),
                    ("missing", module("lib", "../nowhere"), commit, "repository_not_found"),
                    ("commit", module("lib", "../library"), none, "commit_not_found"),
                    ("tree", module("lib", "../library"), tree, "ref_not_commit"),
                    ("dash", module("lib", "--upload-pack=touch"), commit, "objects_invalid"),
                    ("up", "[submodule \"../a\"]\n\tpath = lib\n\turl = ../library\n", commit, "objects_invalid"),
                ]
                let bench = try GitBench()
                for (name, modules, commit, code) in cases {
                    try await branch(name, modules, [("lib", commit)], in: outer)
                    #expect(try await bench.code(outer.url, ref: name) == "source.\(code)", "\(name)")
                }
                let update = "[submodule \"lib\"]\n\tpath = lib\n\turl = ../library\n\tupdate = !touch /tmp/evil\n"
                try await branch("update", update, [("lib", commit)], in: outer)
                #expect(try await bench.code(outer.url, ref: "update") == "source.objects_invalid")
                try await outer.branch("bare", [TreeEntry("lib", commit, mode: "160000")])
                #expect(try await bench.code(outer.url, ref: "bare") == "source.submodule_without_url")
                try await outer.branch("bytes", [TreeEntry([0xFF], commit, mode: "160000")])
                #expect(try await bench.code(outer.url, ref: "bytes") == "source.entry_name_unreadable")
            }
        }

        @Test func `the limits hold for a repository and its submodules together`() async throws {
            try await GitRepositories.serving { repositories in
                let library = try await repositories.make("library", ["a/b": "12345"])
                let commit = try await library.git("rev-parse", "HEAD")
                let outer = try await repositories.empty("outer")
                let modules = module("x", "../library") + module("y", "../library")
                try await branch("main", modules, [("x", commit), ("y", commit)], in: outer)
                try await branch("self", module("x", "../outer"), [("x", outer.git("rev-parse", "main"))], in: outer)
                let bytes = Int64(modules.utf8.count)
                for (limits, ref, code) in [
                    (SourceLimits(submodules: 1), "main", "source.too_many_submodules"),
                    (SourceLimits(submodules: 2), "main", nil),
                    (SourceLimits(submoduleDepth: 0), "main", "source.submodule_too_deep"),
                    (SourceLimits(submoduleDepth: 1), "self", "source.submodule_too_deep"),
                    (SourceLimits(submoduleDepth: 2), "self", nil),
                    (SourceLimits(bytes: bytes + 9), "main", "source.too_large"),
                    (SourceLimits(bytes: bytes + 10), "main", nil),
                    (SourceLimits(entries: 6), "main", "source.too_many_entries"),
                    (SourceLimits(entries: 7), "main", nil),
                    (SourceLimits(depth: 2), "main", "source.entry_too_deep"),
                    (SourceLimits(depth: 3), "main", nil),
                    (SourceLimits(pathBytes: 4), "main", "source.entry_path_too_long"),
                ] as [(SourceLimits, String, String?)] {
                    #expect(try await GitBench(limits: limits).code(outer.url, ref: ref) == code, "\(limits)")
                }
            }
        }

        @Test func `a link through a submodule's link does not lead out`() async throws {
            try await GitRepositories.serving { repositories in
                let library = try await repositories.empty("library")
                let here = try await library.blob(".")
                let commit = try await library.branch("main", [TreeEntry("here", here, mode: "120000")])
                let outer = try await repositories.empty("outer")
                let modules = TreeEntry(".gitmodules", try await outer.blob(module("lib", "../library")))
                let gitlink = TreeEntry("lib", commit, mode: "160000")
                for (name, target, code) in [
                    ("out", "lib/here/../../etc", "source.link_escapes_tree"), ("in", "lib/here/../etc", nil),
                ] {
                    let link = TreeEntry("link", try await outer.blob(target), mode: "120000")
                    try await outer.branch(name, [modules, gitlink, link])
                    #expect(try await GitBench().code(outer.url, ref: name) == code, "\(name)")
                }
            }
        }
    }
}
