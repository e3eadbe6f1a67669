import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// pnpm's plan in the real sandbox, up to pnpm's door.
///
/// pnpm itself is not in Debian. In its place stands a script that takes pnpm's arguments and has the real npm install from the
/// registry that pnpm would install from. So what is tested is everything but pnpm.
@Suite(
    .enabled(if: KettleExecutable.canConfine, "needs bubblewrap and the built kettle"),
    .enabled("needs npm and Debian's packages") { await NodeCorpus.isAvailable }, .timeLimit(.minutes(30)))
struct PnpmBuildTests {
    private let builds: ToolchainBuilds

    init() throws { builds = try ToolchainBuilds() }

    private static let standIn = """
        const { spawnSync } = require('child_process');
        const words = process.argv.slice(2);
        console.log('pnpm ' + words.join(' '));
        const registry = words.find((word) => word.startsWith('--registry='));
        const npm = {
          install: ['ci', registry, '--cache=/tmp/npm', '--replace-registry-host=always'],
          run: ['run', 'build', '--if-present'],
          pack: ['pack', ...words.slice(1)],
        }[words[0]];
        process.exit(spawnSync('npm', npm, { stdio: 'inherit' }).status);
        """

    /// A project with npm's lockfile, and the same packages in pnpm's.
    private func project(_ name: String, change: (String) -> String = { $0 }) throws -> FilePath {
        let copy = builds.scratch.path.appending("\(name)-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: NodeCorpus.project(name).string, toPath: copy.string)
        let npm = try #require(FileManager.default.contents(atPath: copy.appending("package-lock.json").string))
        let packages = try NpmLock(parsing: Array(npm), named: "package-lock.json").tarballs.map { tarball in
            let integrity = "sha512-" + Data(tarball.digest.bytes).base64EncodedString()
            return "  '\(tarball.package.text)':\n    resolution: {integrity: \(integrity)}\n"
        }
        let lock = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n\npackages:\n\n" + packages.joined(separator: "\n")
        try Data(change(lock).utf8).write(to: URL(filePath: copy.appending("pnpm-lock.yaml").string))
        try Data(Self.standIn.utf8).write(to: URL(filePath: copy.appending("pnpm.cjs").string))
        return copy
    }

    private func pnpm(_ registry: PackageServer?) async throws -> PnpmToolchain {
        PnpmToolchain(
            configuration: NodeConfiguration(registryMirror: registry?.url ?? "http://127.0.0.1:9/"),
            installation: try await NodeInstallation.locate(), folder: "/usr", program: "/build/source/pnpm.cjs",
            version: "9.0.0")
    }

    @Test func `pnpm is asked for the right things and finds what it asks for`() async throws {
        let project = try project("bundled")
        let built = try await NodeRegistry.run { registry in try await builds.build(try await pnpm(registry), project) }
        #expect(built.fetchStatus == 0 && built.status == 0, "\(built.shown)")
        #expect(built.artifacts.map(\.name) == ["dist.tar", "kettle-tests-bundled-1.2.3.tgz"])
        let asked = built.shown.filter { $0.hasPrefix("pnpm ") }
        #expect(asked.count == 3)
        #expect(asked.first?.hasPrefix("pnpm install --frozen-lockfile --registry=http://127.0.0.1:4873/ ") == true)
        #expect(asked.dropFirst().first == "pnpm run --if-present build")
        #expect(asked.last == "pnpm pack --pack-destination /build/target")
        #expect(built.dependencies.count == 5)
        #expect(built.dependencies.allSatisfy { $0.uri?.hasPrefix("pkg:npm/") == true && $0.digest["sha512"] != nil })
    }

    @Test func `a tarball that was changed on the way is refused before pnpm sees it`() async throws {
        let project = try project("glob")
        await #expect {
            try await NodeRegistry.run { registry in
                registry.alter("once-1.4.0.tgz")
                return try await builds.build(try await pnpm(registry), project)
            }
        } throws: { error in
            guard case .checksumMismatch(let package, _, _)? = error as? ToolchainError else { return false }
            return package == "once@1.4.0"
        }
    }

    @Test func `a package that is not locked is not to be had`() async throws {
        let project = try project("glob") { lock in
            let start = lock.firstRange(of: "  'wrappy@1.0.2'")?.lowerBound ?? lock.endIndex
            return String(lock[..<start])
        }
        let built = try await NodeRegistry.run { registry in try await builds.build(try await pnpm(registry), project) }
        #expect(built.status != 0)
        #expect(built.shown.contains { $0.contains("404") && $0.contains("wrappy") }, "\(built.shown)")
    }

    @Test func `members of a workspace are packed`() async throws {
        let project = try project("workspace") { lock in
            lock.replacing(
                "  .: {}",
                with: "  .: {}\n\n  packages/cli:\n    dependencies:\n      semver:\n        specifier: '*'\n"
                    + "        version: 7.3.5\n\n  packages/core: {}")
        }
        let pnpm = try await pnpm(nil)
        let layout = BuildLayout(
            source: project, project: "", target: "/nowhere", dependencies: "/nowhere", inputs: "/nowhere")
        let all = try pnpm.plan(layout, ProjectSettings()).buildSteps()
        #expect(all.filter { $0.name.hasPrefix("pnpm pack") }.count == 2)
        var settings = ProjectSettings()
        settings.lists[.packages] = ["@kettle-tests/core"]
        let one = try pnpm.plan(layout, settings).buildSteps()
        let folders = one.dropFirst().prefix(2).map { $0.command.workingDirectory }
        #expect(folders == ["/build/source/packages/core", "/build/source/packages/core"])
        var unknown = ProjectSettings()
        unknown.lists[.packages] = ["nobody"]
        let refused = unknown
        #expect(throws: ToolchainError.packageNotFound(package: "nobody")) { _ = try pnpm.plan(layout, refused) }
    }
}
