import Foundation
import Glibc
import KettleError
import KettleProvenance
import KettleSandbox
import KettleSource
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// Dependencies that are commits of git repositories: fetched by Kettle, checked out by real cargo, compared by Kettle.
@Suite(.enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"), .timeLimit(.minutes(30)))
struct GitDependencyTests {
    private let builds: ToolchainBuilds
    private var scratch: ScratchFolder { builds.scratch }

    init() throws { builds = try ToolchainBuilds() }

    /// A repository whose package `inner` is a member of a workspace, with its version from there.
    private static func library(_ answer: Int) -> [String: String] {
        [
            "Cargo.toml": "[workspace]\nmembers = [\"inner\"]\n[workspace.package]\nversion = \"0.3.0\"\n",
            "inner/Cargo.toml": "[package]\nname = \"inner\"\nversion.workspace = true\nedition = \"2021\"\n",
            "inner/src/lib.rs": "pub fn answer() -> u32 { \(answer) }\n",
        ]
    }

    /// A program that prints the answer of a git dependency.
    private func project(_ url: String, _ reference: String, query: String, commit: String) throws -> FilePath {
        try scratch.write(
            [
                "Cargo.toml": Projects.manifest("app") + "[dependencies]\ninner = { git = \"\(url)\"\(reference) }\n",
                "Cargo.lock": """
                version = 4

                [[package]]
                name = "app"
                version = "0.1.0"
                dependencies = [
                 "inner",
                ]

                [[package]]
                name = "inner"
                version = "0.3.0"
                source = "git+\(url)\(query)#\(commit)"

                """,
                "src/main.rs": "fn main() { println!(\"{}\", inner::answer()); }\n",
            ], to: "app-\(UInt64.random(in: 0 ... .max))")
    }

    @Test func `a commit is built from by whatever name the project knows it, though the name has moved on`()
        async throws
    {
        try await GitRepositories.serving { repositories in
            let library = try await repositories.make("library", Self.library(41))
            let first = try await library.git("rev-parse", "HEAD")
            let tree = try await library.git("rev-parse", "HEAD^{tree}")
            try await library.git("tag", "v1+a")
            try await library.git("branch", "feature/b")
            _ = try await library.commit(Self.library(42))
            let cargo = try await builds.cargo()
            for (reference, query) in [
                ("", ""), (", branch = \"main\"", "?branch=main"),
                (", branch = \"feature/b\"", "?branch=feature%2Fb"), (", tag = \"v1+a\"", "?tag=v1%2Ba"),
                (", rev = \"\(first)\"", "?rev=\(first)"),
                (", rev = \"\(first.prefix(9))\"", "?rev=\(first.prefix(9))"),
            ] {
                let built = try await builds.build(
                    cargo, try project(library.url, reference, query: query, commit: first))
                #expect(built.fetchStatus == 0 && built.status == 0, "\(query): \(built.shown)")
                #expect(
                    built.dependencies == [
                        ResourceDescriptor(
                            uri: PackageURL.cargo(
                                name: "inner", version: "0.3.0",
                                qualifiers: ["vcs_url": "git+\(library.url)@\(first)"]),
                            digest: ["gitCommit": first, "gitTree": tree])
                    ])
                let program = built.target.appending(FilePath("release/app").components)
                #expect(try await Command.run(program.string, []).output == "41\n")
            }
        }
    }

    @Test func `two commits of one repository are two packages`() async throws {
        try await GitRepositories.serving { repositories in
            let library = try await repositories.make("library", Self.library(1))
            let first = try await library.git("rev-parse", "HEAD")
            try await library.git("tag", "v1")
            let second = try await library.commit(Self.library(2))
            let source = try scratch.write(
                [
                    "Cargo.toml": Projects.manifest("app") + """
                        [dependencies]
                        one = { package = "inner", git = "\(library.url)", tag = "v1" }
                        two = { package = "inner", git = "\(library.url)", rev = "\(second)" }

                        """,
                    "Cargo.lock": """
                    version = 3

                    [[package]]
                    name = "app"
                    version = "0.1.0"
                    dependencies = [
                     "inner 0.3.0 (git+\(library.url)?rev=\(second))",
                     "inner 0.3.0 (git+\(library.url)?tag=v1)",
                    ]

                    [[package]]
                    name = "inner"
                    version = "0.3.0"
                    source = "git+\(library.url)?rev=\(second)#\(second)"

                    [[package]]
                    name = "inner"
                    version = "0.3.0"
                    source = "git+\(library.url)?tag=v1#\(first)"

                    """,
                    "src/main.rs": "fn main() { println!(\"{}{}\", one::answer(), two::answer()); }\n",
                ], to: "twice")
            let built = try await builds.build(try await builds.cargo(), source)
            #expect(built.status == 0, "\(built.shown)")
            #expect(Set(built.dependencies.compactMap { $0.digest["gitCommit"] }) == [first, second])
            let program = built.target.appending(FilePath("release/app").components)
            #expect(try await Command.run(program.string, []).output == "12\n")
        }
    }

    @Test func `a dependency's submodules are fetched and compared too`() async throws {
        try await GitRepositories.serving { repositories in
            let data = try await repositories.make("data", ["answer.rs": "pub fn answer() -> u32 { 43 }\n"])
            let library = try await repositories.make("library", Self.library(0))
            try await library.addSubmodule(data.url, at: "inner/src/data")
            let commit = try await library.commit([
                "inner/src/lib.rs": "#[path = \"data/answer.rs\"] mod data; pub use data::answer;\n"
            ])
            let source = try project(library.url, "", query: "", commit: commit)
            let built = try await builds.build(try await builds.cargo(), source)
            #expect(built.status == 0, "\(built.shown)")
            await #expect {
                try await builds.build(try await builds.cargo(), source) { layout in
                    try alter("answer.rs", below: layout.dependencies)
                }
            } throws: { ($0 as? ToolchainError)?.code == "toolchain.checkout_mismatch" }
        }
    }

    @Test(arguments: ["lib.rs", "added"])
    func `a checkout that is not its commit's tree is refused`(file: String) async throws {
        try await GitRepositories.serving { repositories in
            let library = try await repositories.make("library", Self.library(1))
            let commit = try await library.git("rev-parse", "HEAD")
            let source = try project(library.url, "", query: "", commit: commit)
            await #expect {
                try await builds.build(try await builds.cargo(), source) { layout in
                    try alter(file, below: layout.dependencies)
                }
            } throws: { ($0 as? ToolchainError)?.code == "toolchain.checkout_mismatch" }
        }
    }

    @Test func `a rule of the dependency's that changes files on the way is refused`() async throws {
        try await GitRepositories.serving { repositories in
            let library = try await repositories.make(
                "library", Self.library(1).merging([".gitattributes": "*.rs text eol=crlf\n"]) { $1 })
            let commit = try await library.git("rev-parse", "HEAD")
            await #expect {
                try await builds.build(
                    try await builds.cargo(), try project(library.url, "", query: "", commit: commit))
            } throws: { ($0 as? ToolchainError)?.code == "toolchain.checkout_mismatch" }
        }
    }

    @Test func `a commit that is nowhere, and a place that is not allowed, are refused`() async throws {
        try await GitRepositories.serving { repositories in
            let library = try await repositories.make("library", Self.library(1))
            let commit = try await library.git("rev-parse", "HEAD")
            for (url, query, commit, code) in [
                (library.url, "", String(repeating: "1", count: 40), "source.commit_not_found"),
                ("https://127.0.0.1/library", "", commit, "source.url_not_public"),
                ("ssh://git@x.example/library", "", commit, "source.url_scheme_not_allowed"),
                ("file:///etc", "", commit, "source.url_scheme_not_allowed"),
                (library.url, "?branch=..%2Fx", commit, "source.ref_invalid"),
                (library.url, "?tag=-x", commit, "source.ref_invalid"),
            ] {
                await #expect {
                    try await builds.build(
                        try await builds.cargo(), try project(url, "", query: query, commit: commit))
                } throws: { ($0 as? any UserFacingError)?.code == code }
            }
        }
    }

    @Test func `a dependency that the lockfile does not name is not fetched`() async throws {
        try await GitRepositories.serving { repositories in
            let library = try await repositories.make("library", Self.library(1))
            let other = try await repositories.make("other", Self.library(2))
            let commit = try await library.git("rev-parse", "HEAD")
            let source = try project(library.url, "", query: "", commit: commit)
            let manifest = source.appending("Cargo.toml")
            let text = try String(contentsOfFile: manifest.string, encoding: .utf8)
            try Data((text + "extra = { package = \"inner\", git = \"\(other.url)\" }\n").utf8)
                .write(to: URL(filePath: manifest.string))
            let built = try await builds.build(try await builds.cargo(), source)
            #expect(built.fetchStatus != 0, "\(built.shown)")
        }
    }

    /// Changes a file of cargo's checkout, or adds one.
    private func alter(_ name: String, below dependencies: FilePath) throws {
        let checkouts = dependencies.appending(FilePath("git/checkouts").components)
        let names = try FileManager.default.subpathsOfDirectory(atPath: checkouts.string)
        let found = names.first { $0.hasSuffix("/\(name)") && !$0.contains("/.git/") }
        let path = try #require(found ?? names.first { $0.hasSuffix("/inner/src") }.map { "\($0)/\(name)" })
        try Data("pub fn answer() -> u32 { 666 }\n".utf8)
            .write(to: URL(filePath: checkouts.appending(FilePath(path).components).string))
    }
}
