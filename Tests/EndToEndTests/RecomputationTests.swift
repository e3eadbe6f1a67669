import Foundation
import Glibc
import KettleTesting
import Subprocess
import SystemPackage
import Testing

extension EndToEnd {
    /// Every digest of real projects' statements, computed again by a script that shares nothing with Kettle
    /// (`Tests/Independent/recompute.py`).
    @Suite(.enabled("needs the corpus") { await Corpus.isAvailable })
    struct RecomputationTests {
        private static let script = Corpus.checkout.appending(FilePath("Tests/Independent/recompute.py").components)
        private static let unconfined =
            geteuid() == 0 ? [] : ["--allow-unconfined", "memory", "--allow-unconfined", "disk"]

        /// What the script says of a project: its status, and a line for each digest.
        private func recompute(
            _ folder: FilePath, in scratch: ScratchFolder, spoil: (FilePath) throws -> Void = { _ in }
        ) async throws -> Command.Ended {
            let archive = scratch.path.appending("source.zip")
            try await Command.pack(folder, as: archive)
            let bundle = scratch.path.appending("bundle")
            let built = try await CrateRegistry.run { registry in
                try await Command.run(
                    KettleExecutable.path.string,
                    [
                        "attest", archive.string, "-o", bundle.string, "--software-key",
                        scratch.path.appending("key.pem").string, "--cargo-registry", registry.url,
                    ] + Self.unconfined,
                    environment: .inherit.updating(["XDG_CACHE_HOME": scratch.path.appending("cache").string]))
            }
            #expect(built.status == 0, "\(built.everything)")
            try spoil(bundle)
            return try await Command.run(
                "python3", [Self.script.string, archive.string, bundle.string, Corpus.registry.string])
        }

        @Test(arguments: ["orjson", "mirrored", "workspace"])
        func `a script recomputes every digest`(project: String) async throws {
            let folder = project == "orjson" ? Corpus.orjson : Corpus.project(project)
            let ended = try await recompute(folder, in: ScratchFolder())
            #expect(ended.status == 0, "\(ended.everything)")
            #expect(ended.output.contains("ok   signature"))
            #expect(ended.output.split(separator: "\n").count >= 20)
        }

        @Test func `a digest that is not the file's is found by it`() async throws {
            let ended = try await recompute(Corpus.project("mirrored"), in: ScratchFolder()) { bundle in
                let log = bundle.appending("build.log").string
                try Data("another log\n".utf8).write(to: URL(filePath: log))
            }
            #expect(ended.status == 1)
            #expect(ended.errors.contains("build.log"))
        }
    }
}
