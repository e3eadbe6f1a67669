import Foundation
import Glibc
import Hummingbird
import KettleProvenance
import KettleSandbox
import KettleTesting
import NIOCore
import SystemPackage
import Testing

@testable import KettleToolchains

/// The toolchain of `docs/adding-a-toolchain.md`, with real make and real curl.
@Suite(
    .enabled(if: KettleExecutable.canConfine, "bubblewrap is not installed, or kettle is not built"),
    .enabled(if: Command.isInstalled("make"), "make is not installed"), .timeLimit(.minutes(30)))
struct MakeToolchainTests {
    let builds: ToolchainBuilds

    init() throws { builds = try ToolchainBuilds() }

    private static let word = Array("kettle\n".utf8)
    private static let makefile = "all:\n\tcat $(INPUTS)/word.txt $(INPUTS)/word.txt > $(OUT)/twice.txt\n"

    private static func router(_ word: [UInt8]) -> Router<BasicRequestContext> {
        let router = Router()
        router.get("moved.txt") { _, _ in
            Response(status: .movedPermanently, headers: [.location: "/word.txt"])
        }
        router.get("word.txt") { _, _ in ByteBuffer(bytes: word) }
        return router
    }

    private func project(_ port: Int, _ path: String = "word.txt", _ makefile: String = makefile) throws -> FilePath {
        try builds.scratch.write(
            [
                "Makefile": makefile,
                "make.lock": "\(ContentDigest(of: Self.word).hex)  http://127.0.0.1:\(port)/\(path)\n",
            ], to: "project-\(UUID().uuidString)")
    }

    private func make(_ port: Int) async throws -> MakeToolchain {
        try await MakeToolchain.locate(registry: #require(RegistryURL("http://127.0.0.1:\(port)/")))
    }

    @Test func `what is pinned is fetched, checked and built with`() async throws {
        try await LoopbackServer.run(Self.router(Self.word)) { port in
            let built = try await builds.build(try await make(port), try project(port))
            #expect(built.fetchStatus == 0)
            #expect(built.shown.first == "Downloaded http://127.0.0.1:\(port)/word.txt", "\(built.shown)")
            #expect(built.status == 0, "\(built.shown)")
            #expect(built.artifacts == [ArtifactPath(name: "twice.txt", path: "twice.txt")])
            #expect(built.program == ContentDigest(of: Self.word + Self.word))
            #expect(built.dependencies.map(\.digest) == [["sha256": ContentDigest(of: Self.word).hex]])
        }
    }

    @Test func `another file than the pinned one ends the build before it begins`() async throws {
        try await LoopbackServer.run(Self.router(Array("cattle\n".utf8))) { port in
            let (make, project) = (try await make(port), try project(port))
            await #expect {
                try await builds.build(make, project)
            } throws: { ($0 as? ToolchainError)?.code == "toolchain.checksum_mismatch" }
        }
    }

    @Test func `a file that is not there, and one on another host, are not fetched`() async throws {
        try await LoopbackServer.run(Self.router(Self.word)) { port in
            let make = try await make(port)
            #expect(try await builds.build(make, try project(port, "none.txt")).fetchStatus == 22)
            let other = try LoopbackListener()
            defer { other.close() }
            #expect(try await builds.build(make, try project(Int(other.port))).fetchStatus != 0)
            #expect(other.connections == 0)
        }
    }

    @Test func `a redirection on the same host is followed`() async throws {
        let makefile = Self.makefile.replacing("word.txt", with: "moved.txt")
        try await LoopbackServer.run(Self.router(Self.word)) { port in
            let built = try await builds.build(try await make(port), try project(port, "moved.txt", makefile))
            #expect(built.status == 0, "\(built.shown)")
        }
    }

    @Test func `its settings choose the target, and others are refused`() async throws {
        let makefile = Self.makefile + "short:\n\techo short > $(OUT)/short.txt\n"
        try await LoopbackServer.run(Self.router(Self.word)) { port in
            let make = try await make(port)
            let source = try project(port, "word.txt", makefile)
            try Data("targets = [\"short\"]\n".utf8).write(to: URL(filePath: source.appending("kettle.toml").string))
            let detected = try Detection.detect(in: source, path: nil, among: [ToolchainOffer(make)])
            let built = try await builds.build(make, source, settings: detected.settings)
            #expect(built.artifacts.map(\.name) == ["short.txt"])

            try Data("features = [\"tls\"]\n".utf8).write(to: URL(filePath: source.appending("kettle.toml").string))
            #expect(throws: ToolchainError.unsupportedSetting(key: "features", toolchain: "make")) {
                try Detection.detect(in: source, path: nil, among: [ToolchainOffer(make)])
            }
        }
    }

    @Test func `the documentation shows this very code`() throws {
        let here = FilePath(#filePath).removingLastComponent()
        let repository = here.removingLastComponent().removingLastComponent()
        func text(_ path: FilePath) throws -> String { try String(contentsOfFile: path.string, encoding: .utf8) }
        let page = try text(repository.appending("docs").appending("adding-a-toolchain.md"))
        let code = try text(here.appending("MakeToolchain.swift")) + text(here.appending("MakePlan.swift"))
        let blocks = page.split(separator: "```swift\n").dropFirst().compactMap { $0.split(separator: "```").first }
        #expect(blocks.count >= 4)
        for block in blocks { #expect(code.contains(block), "\(block)") }
    }
}
