import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

@Suite struct GoSumTests {
    private static let sum = "h1:t6JiXgmwXMjEs8VusXIJk2BXHsn+wx8BZdTaoZ5fu7I="
    private static let other = "h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo="

    private func read(_ text: String) throws -> GoSum { try GoSum(parsing: Array(text.utf8)) }

    @Test func `a line pins the files of a module, or its go.mod alone`() throws {
        let sum = try read(
            "github.com/BurntSushi/toml v1.2.0 \(Self.sum)\r\n\ngithub.com/BurntSushi/toml v1.2.0/go.mod \(Self.other)\n"
        )
        let module = try #require(GoModule(path: "github.com/BurntSushi/toml", version: "v1.2.0"))
        #expect(sum.modules == [module: try #require(GoSumHash(Self.sum))])
        #expect(sum.goMods == [module: try #require(GoSumHash(Self.other))])
        #expect(module.escapedPath == "github.com/!burnt!sushi/toml")
        #expect(module.packageURL() == "pkg:golang/github.com/burntsushi/toml@v1.2.0")
    }

    @Test(arguments: [
        "github.com/a/b v1.2.0", "github.com/a/b v1.2.0 \(sum) more", "github.com/a/b 1.2.0 \(sum)",
        "github.com/a/b v1.2 \(sum)", "github.com/a/../b v1.2.0 \(sum)", "/a v1.2.0 \(sum)", "-a v1.2.0 \(sum)",
        "github.com/a/b v1.2.0/go.sum \(sum)", "github.com/a/b v1.2.0 h2:\(sum.dropFirst(3))",
        "github.com/a/b v1.2.0 \(sum.dropLast())", "github.com/a/b v1.2.0 \(sum.dropLast(2))J=",
        "github.com/a/b v1.2.0 \(sum)\ngithub.com/a/b v1.2.0 \(other)", "github.com/a/b v1.2.0/x \(sum)",
        "github.com/a/bü v1.2.0 \(sum)",
    ])
    func `anything else is refused`(line: String) {
        #expect(throws: ToolchainError.self) { try read(line + "\n") }
    }

    @Test func `an error names the line`() throws {
        let good = "github.com/a/b v1.2.0 \(Self.sum)\n"
        do {
            _ = try read(good + good + "nonsense\n")
            Issue.record("nonsense was read")
        } catch ToolchainError.malformedFile(let name, let line, _) {
            #expect(name == "go.sum" && line == 3)
        }
    }

    /// The sum of no files, and that of a go.mod: both as Go writes them.
    @Test func `sums are Go's own`() {
        #expect(GoSumHash(of: []).text == "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
        #expect(GoSumHash(ofGoMod: Array("module github.com/google/uuid\n".utf8)).text == Self.other)
    }

    @Test(.enabled("needs the Go corpus") { await GoCorpus.isAvailable })
    func `the go.sum files of real projects are read whole`() throws {
        let files = FileManager.default.enumerator(atPath: GoCorpus.sources.string)?.compactMap { $0 as? String } ?? []
        let sums = files.filter { $0.hasSuffix("/go.sum") }
        #expect(sums.count >= 20)
        for file in sums {
            let bytes = Array(try #require(FileManager.default.contents(atPath: "\(GoCorpus.sources)/\(file)")))
            let sum = try GoSum(parsing: bytes)
            let lines = Set(String(decoding: bytes, as: UTF8.self).split(separator: "\n"))
            #expect(Set(sum.text.split(separator: "\n")) == lines, "\(file)")
        }
        let manifests = files.filter { $0.hasSuffix("/go.mod") }
        #expect(manifests.count >= 20)
        for file in manifests {
            let bytes = Array(try #require(FileManager.default.contents(atPath: "\(GoCorpus.sources)/\(file)")))
            let text = String(decoding: bytes, as: UTF8.self)
            let manifest = try GoMod(parsing: bytes)
            #expect(text.contains("module \(manifest.path)"), "\(file)")
            #expect(manifest.requirements.count == text.matches(of: #/\t.* v[0-9]|require [^(]/#).count, "\(file)")
        }
    }
}

@Suite struct GoModTests {
    private func read(_ text: String) throws -> GoMod { try GoMod(parsing: Array(text.utf8)) }

    @Test func `requirements and replacements are read in all their forms`() throws {
        let manifest = try read(
            """
            // A comment.
            module "example.com/m/v2" // another

            go 1.21.3
            toolchain go1.99.0
            require example.com/a v1.0.0
            require (
            \texample.com/b v0.0.0-20220811171246-fbc7d0a398ab // indirect
            \texample.com/c v3.0.0+incompatible // indirect; needed
            )
            exclude example.com/a v1.1.0
            replace (
            \texample.com/a => ../a
            \texample.com/b v0.0.0-20220811171246-fbc7d0a398ab => example.com/fork v1.0.0
            )
            retract [v1.0.0, v1.1.0] // by mistake
            tool example.com/a/cmd

            """)
        #expect(manifest.path == "example.com/m/v2")
        #expect(manifest.isComplete)
        #expect(manifest.requirements.map(\.module.path) == ["example.com/a", "example.com/b", "example.com/c"])
        #expect(manifest.requirements.map(\.isIndirect) == [false, true, true])
        #expect(manifest.replacement(of: manifest.requirements[0].module) == .folder("../a"))
        let fork = try #require(GoModule(path: "example.com/fork", version: "v1.0.0"))
        #expect(manifest.replacement(of: manifest.requirements[1].module) == .module(fork))
        #expect(manifest.replacement(of: manifest.requirements[2].module) == nil)
    }

    @Test func `before Go 1.17 the file does not name all modules`() throws {
        #expect(try !read("module m\n").isComplete)
        #expect(try !read("module m\ngo 1.16\n").isComplete)
        #expect(try read("module m\ngo 1.17rc1\n").isComplete)
    }

    @Test(arguments: [
        "", "module m\nmodule n\n", "module m\nrequire (\n", "module m\nrequire a v1\n",
        "module m\nrequire a/../b v1.0.0\n",
        "module m\nfetch a v1.0.0\n", "module m\nreplace a => b\n", "module m\nreplace a => ../b\nreplace a => ../c\n",
        "module m\ngo one\n", "module \"m\n", "module ../m\n",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: ToolchainError.self) { try read(text) }
    }
}
