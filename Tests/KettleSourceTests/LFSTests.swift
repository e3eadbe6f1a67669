import Foundation
import HTTPTypes
import Hummingbird
import KettleProvenance
import KettleTesting
import NIOCore
import SystemPackage
import Testing

@testable import KettleSource

extension GitSourceTests {
    @Suite(.enabled(if: Command.isInstalled("git-lfs"), "git-lfs is not installed"))
    struct LFS {
        private static let large = String(repeating: "0123456789abcdef", count: 20_000)
        private static let attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\nsub/*.dat filter=lfs\n"

        private static func digest(_ text: String) -> ContentDigest { ContentDigest(of: Array(text.utf8)) }

        private static func pointer(_ text: String) -> String {
            "version https://git-lfs.github.com/spec/v1\noid sha256:\(digest(text).hex)\nsize \(text.utf8.count)\n"
        }

        /// The code of the refusal, for a server that has `objects`, by their digests.
        private func code(_ files: [String: String], objects: [String: String]) async throws -> String? {
            try await GitRepositories.serving(lfs: objects) { repositories in
                _ = try await repositories.make("project", files)
                return try await GitBench(allowing: [repositories.lfsAddress])
                    .code(repositories.lfsAddress + "/project")
            }
        }

        @Test func `files of Git LFS stand where their pointers were, submodules' too`() async throws {
            let objects = [Self.large, "small", "inner"].reduce(into: [:]) { $0[Self.digest($1).hex] = $1 }
            try await GitRepositories.serving(lfs: objects) { repositories in
                _ = try await repositories.make(
                    "inner", [".gitattributes": "*.bin filter=lfs\n", "c.bin": Self.pointer("inner")])
                let repository = try await repositories.make(
                    "project",
                    [
                        ".gitattributes": Self.attributes, "a.bin": Self.pointer(Self.large), "plain": "text\n",
                        "sub/b.dat": Self.pointer("small"), "kept.txt": Self.pointer("nowhere"),
                        "text.bin": "no pointer",
                    ])
                try await repository.addSubmodule("../inner", at: "inner")
                let commit = try await repository.commit([:])
                let bench = try GitBench(allowing: [repositories.lfsAddress])
                let fetched = try await bench.fetch(repositories.lfsAddress + "/project")
                #expect(fetched.checkout.commit == commit)
                #expect(try await fetched.checkout.tree == repository.git("rev-parse", "HEAD^{tree}"))
                #expect(
                    fetched.checkout.lfs.sorted { $0.path < $1.path } == [
                        .init(path: "a.bin", digest: Self.digest(Self.large), size: 320_000),
                        .init(path: "inner/c.bin", digest: Self.digest("inner"), size: 5),
                        .init(path: "sub/b.dat", digest: Self.digest("small"), size: 5),
                    ])
                for (path, text) in [
                    ("a.bin", Self.large), ("sub/b.dat", "small"), ("inner/c.bin", "inner"), ("plain", "text\n"),
                    ("kept.txt", Self.pointer("nowhere")), ("text.bin", "no pointer"),
                ] {
                    #expect(try fetched.text(path) == text)
                }
            }
        }

        @Test func `a file that the server does not have, or has otherwise, is refused`() async throws {
            let files = [".gitattributes": Self.attributes, "a.bin": Self.pointer("small")]
            #expect(try await code(files, objects: [:]) == "source.lfs_unavailable")
            #expect(
                try await code(files, objects: [Self.digest("small").hex: "smell"]) == "source.lfs_unavailable")
        }

        @Test func `files of Git LFS count against the limits before they are fetched`() async throws {
            try await GitRepositories.serving(lfs: [Self.digest(Self.large).hex: Self.large]) { repositories in
                _ = try await repositories.make(
                    "project", [".gitattributes": Self.attributes, "a.bin": Self.pointer(Self.large)])
                let bench = try GitBench(limits: SourceLimits(bytes: 300_000), allowing: [repositories.lfsAddress])
                #expect(try await bench.code(repositories.lfsAddress + "/project") == "source.too_large")
            }
        }
    }

    @Suite struct LFSPointers {
        private static let digest = String(repeating: "ab", count: 32)
        private static let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:\(digest)\nsize 12\n"

        @Test func `a pointer is read`() throws {
            let pointer = try #require(LFSPointer(parsing: Array(Self.pointer.utf8)))
            #expect(pointer.digest.hex == Self.digest)
            #expect(pointer.size == 12)
        }

        @Test(arguments: [
            ("\n", "\r\n"), ("size 12", "size 012"), ("size 12", "size -1"), ("size 12", "size +12"),
            ("size 12", "size 99999999999999999999"), ("ab", "AB"), ("sha256", "sha512"), ("v1", "v2"),
            ("size", "Size"),
            ("size 12\n", "size 12"), ("size 12\n", "size 12\n\n"), ("oid", "ext-0-x sha256:1\noid"),
        ])
        func `what git-lfs would not write is a file like any other`(from: String, to: String) {
            #expect(LFSPointer(parsing: Array(Self.pointer.replacing(from, with: to).utf8)) == nil)
        }
    }
}
