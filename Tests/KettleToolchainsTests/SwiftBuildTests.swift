import Foundation
import Glibc
import KettleError
import KettleProvenance
import KettleSource
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// Swift packages, built by real SwiftPM without network, from commits that Kettle fetched and compared.
@Suite(.enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"), .timeLimit(.minutes(30)))
struct SwiftBuildTests {
    private let builds: ToolchainBuilds
    private var scratch: ScratchFolder { builds.scratch }

    init() throws { builds = try ToolchainBuilds() }

    private func swift() async throws -> SwiftToolchain { try await SwiftToolchain.locate(cache: nil) }

    private static func library(_ answer: Int) -> [String: String] {
        [
            "Package.swift": """
            // swift-tools-version:5.9
            import PackageDescription
            let package = Package(
                name: "Answers", products: [.library(name: "Answers", targets: ["Answers"])],
                targets: [.target(name: "Answers")])
            """,
            "Sources/Answers/Answers.swift": "public let answer = \(answer)\n",
        ]
    }

    /// A program that prints the answer of a dependency.
    private static func program(_ url: String, requirement: String, pin: String) -> [String: String] {
        [
            "Package.swift": """
            // swift-tools-version:5.9
            import PackageDescription
            let package = Package(
                name: "app", dependencies: [.package(url: "\(url)", \(requirement))],
                targets: [.executableTarget(name: "app", dependencies: [.product(name: "Answers", package: "answers")])])
            """,
            "Package.resolved": """
            {"pins": [{"identity": "answers", "kind": "remoteSourceControl", "location": "\(url)", "state": \(pin)}],
             "version": 2}
            """,
            "Sources/app/main.swift": "import Answers\nprint(answer)\n",
        ]
    }

    private func write(_ files: [String: String]) throws -> FilePath {
        try scratch.write(files, to: "app-\(UInt64.random(in: 0 ... .max))")
    }

    @Test func `a program and a library are handed over, and not what only builds them`() async throws {
        let source = try write([
            "Package.swift": """
            // swift-tools-version:5.9
            import PackageDescription
            let package = Package(
                name: "two",
                products: [
                    .executable(name: "hello", targets: ["hello"]), .library(name: "Two", type: .static, targets: ["Two"]),
                    .library(name: "Dyn", type: .dynamic, targets: ["Two"]),
                ],
                targets: [
                    .executableTarget(name: "hello", dependencies: ["Two", "CThree"]), .target(name: "Two"),
                    .target(name: "CThree"),
                ])
            """,
            "Sources/hello/main.swift": "import CThree\nimport Two\nprint(text, three())\n",
            "Sources/CThree/include/CThree.h": "int three(void);\n",
            "Sources/CThree/three.c": "int three(void) { return 3; }\n",
            "Sources/Two/Two.swift": "public let text = \"hello\"\n",
        ])
        let built = try await builds.build(try await swift(), source)
        #expect(built.status == 0, "\(built.shown)")
        #expect(built.fetchStatus == nil && built.dependencies.isEmpty)
        #expect(built.artifacts.map(\.name) == ["hello", "libDyn.so", "libTwo.a"])
        let program = built.target.appending(FilePath(try #require(built.artifacts.first).path).components)
        // It brings the standard library along.
        #expect(try await Command.run(program.string, []).output == "hello 3\n")
        // The same source at the same place gives the same bytes.
        #expect(try await builds.build(try await swift(), source).program == built.program)
    }

    @Test func `a dependency is built from its pinned commit, though its tag has moved on`() async throws {
        try await GitRepositories.serving { repositories in
            let library = try await repositories.make("Answers", Self.library(41))
            let first = try await library.git("rev-parse", "HEAD")
            let tree = try await library.git("rev-parse", "HEAD^{tree}")
            try await library.git("tag", "1.0.0")
            _ = try await library.commit(Self.library(42))
            try await library.git("tag", "--force", "1.0.0")
            for (requirement, pin) in [
                ("from: \"1.0.0\"", #"{"revision": "\#(first)", "version": "1.0.0"}"#),
                ("branch: \"main\"", #"{"branch": "main", "revision": "\#(first)"}"#),
                ("revision: \"\(first)\"", #"{"revision": "\#(first)"}"#),
            ] {
                let source = try write(Self.program(library.url, requirement: requirement, pin: pin))
                let built = try await builds.build(try await swift(), source)
                #expect(built.fetchStatus == 0 && built.status == 0, "\(requirement): \(built.shown)")
                #expect(built.dependencies.map(\.digest) == [["gitCommit": first, "gitTree": tree]])
                #expect(built.artifacts.map(\.name) == ["app"])
                let program = built.target.appending(FilePath(try #require(built.artifacts.first).path).components)
                #expect(try await Command.run(program.string, []).output == "41\n")
            }
        }
    }

    @Test(arguments: ["Answers.swift", "Package.swift", "added"])
    func `a checkout that is not its commit's tree is refused`(file: String) async throws {
        try await GitRepositories.serving { repositories in
            let library = try await repositories.make("Answers", Self.library(1))
            let commit = try await library.git("rev-parse", "HEAD")
            let source = try write(
                Self.program(
                    library.url, requirement: "branch: \"main\"", pin: #"{"branch": "main", "revision": "\#(commit)"}"#)
            )
            await #expect {
                try await builds.build(try await swift(), source) { try alter(file, below: $0.dependencies) }
            } throws: { ($0 as? ToolchainError)?.code == "toolchain.checkout_mismatch" }
        }
    }

    @Test func `a dependency's submodules are fetched and compared too`() async throws {
        try await GitRepositories.serving { repositories in
            let data = try await repositories.make("data", ["Answers.swift": "public let answer = 43\n"])
            var files = Self.library(0)
            files["Sources/Answers/Answers.swift"] = nil
            let library = try await repositories.make("Answers", files)
            try await library.addSubmodule(data.url, at: "Sources/Answers/data")
            let commit = try await library.commit([:])
            let source = try write(
                Self.program(
                    library.url, requirement: "branch: \"main\"", pin: #"{"branch": "main", "revision": "\#(commit)"}"#)
            )
            let built = try await builds.build(try await swift(), source)
            #expect(built.status == 0, "\(built.shown)")
            await #expect {
                try await builds.build(try await swift(), source) {
                    try alter("Answers.swift", below: $0.dependencies)
                }
            } throws: { ($0 as? ToolchainError)?.code == "toolchain.checkout_mismatch" }
        }
    }

    @Test func `a dependency that is not pinned, or pinned to nothing, ends the build`() async throws {
        try await GitRepositories.serving { repositories in
            let library = try await repositories.make("Answers", Self.library(1))
            let commit = try await library.git("rev-parse", "HEAD")
            var files = Self.program(library.url, requirement: "branch: \"main\"", pin: "{}")
            files["Package.resolved"] = nil
            let built = try await builds.build(try await swift(), try write(files))
            #expect(built.status != 0)
            #expect(built.shown.contains { $0.contains("resolved") }, "\(built.shown)")

            // The manifest asks for a version that is not the pinned commit's.
            let other = Self.program(
                library.url, requirement: "from: \"2.0.0\"", pin: #"{"revision": "\#(commit)", "version": "1.0.0"}"#)
            let mismatched = try await builds.build(try await swift(), try write(other))
            #expect(mismatched.status != 0, "\(mismatched.shown)")

            for (url, commit, code) in [
                (library.url, String(repeating: "1", count: 40), "source.commit_not_found"),
                ("file:///etc", commit, "source.url_scheme_not_allowed"),
                ("/etc", commit, "source.url_malformed"),
            ] {
                await #expect {
                    try await builds.build(
                        try await swift(),
                        try write(
                            Self.program(url, requirement: "branch: \"main\"", pin: #"{"revision": "\#(commit)"}"#)))
                } throws: { ($0 as? any UserFacingError)?.code == code }
            }
        }
    }

    @Test func `the toolchain is described by its programs and its tree`() async throws {
        let tools = try await swift().tools()
        let names = tools.map(\.name)
        #expect(names.prefix(5) == ["swift-build", "swift-frontend", "swift-driver", "clang", "swift-toolchain"])
        #expect(tools.allSatisfy { $0.digest["sha256"]?.count == 64 })
        #expect(tools.first?.annotations?["version"]?.stringValue?.hasPrefix("Swift version ") == true)
    }

    /// Writes a line over a file of a checkout, or a new one beside its manifest.
    private func alter(_ name: String, below dependencies: FilePath) throws {
        let checkouts = dependencies.appending("checkouts")
        let names = try FileManager.default.subpathsOfDirectory(atPath: checkouts.string)
        let path = names.first { $0.hasSuffix("/\(name)") } ?? "answers/\(name)"
        try Data("public let answer = 666\n".utf8)
            .write(to: URL(filePath: checkouts.appending(FilePath(path).components).string))
    }
}
