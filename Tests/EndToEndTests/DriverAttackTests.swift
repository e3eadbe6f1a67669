import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// One attack, run by a project of each toolchain in the way that its build runs code: `Tests/Attacks/drivers/`.
    ///
    /// What contains it is the same for all of them, and tried in depth by ``AttackTests``; here it is seen to be in place for each
    /// command that a toolchain names. Go runs nothing of a project's in its build, which ``GoAttackTests`` is about. pnpm cannot be had: its
    /// tests stop at its door, and what it would run runs in the sandbox that npm has here.
    @Suite struct DriverAttackTests {
        private static let folder = Corpus.checkout.appending("Tests").appending("Attacks").appending("drivers")

        private static let toolchains: [String] = {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []
            return names.filter { $0 != "attack.py" && !$0.hasPrefix(".") && !$0.hasSuffix(".md") }.sorted()
        }()

        @Test func `the toolchains that run a project's code are all attacked`() {
            #expect(Self.toolchains == ["cargo", "nix", "npm", "swift", "uv"])
        }

        @Test(arguments: toolchains) func `a build that attacks is contained`(toolchain: String) async throws {
            let host = try AttackedHost()
            if toolchain == "uv" { try #require(await PythonCorpus.isAvailable) }
            let environment = toolchain == "uv" ? PythonCorpus.environment : [:]
            try await Service.run(["--slots", "1"], environment: environment) { service in
                try host.prepare(service)
                host.changeMark()
                let project = try ScratchFolder()
                let source = project.path.appending("attack")
                try FileManager.default.copyItem(
                    atPath: Self.folder.appending(toolchain).string, toPath: source.string)
                try FileManager.default.copyItem(
                    atPath: Self.folder.appending("attack.py").string, toPath: source.appending("attack.py").string)
                let facts = JSONValue.object(host.facts(service, otherBuild: nil).mapValues(JSONValue.string))
                try Data(facts.canonicalBytes()).write(to: URL(filePath: source.appending("facts.json").string))

                let stream = try await service.build(folder: source)
                let output = stream.messages.joined(separator: "\n")
                #expect(stream.result?["status"] == "success", "\(output)")
                #expect(stream.result?["build_system"]?.stringValue == toolchain)
                #expect(output.contains("ATTACK DONE"), "\(output)")
                #expect(!output.contains("ESCAPED"), "\(output)")
                #expect(host.connections == 0)
                #expect(try host.filesAreUnchanged())
                let work = service.dataFolder.appending("work").string
                try await eventually { try FileManager.default.contentsOfDirectory(atPath: work).isEmpty }
                #expect(processes(with: host.mark).isEmpty)
                #expect(controlGroups(madeBy: service.processID).isEmpty)
                let build = try #require(stream.buildID)
                let accepted = try await verify(build, of: service, ["--software-key", service.publicKey.string])
                #expect(accepted.status == 0, "\(accepted.everything)")
            }
            host.close()
        }
    }
}
