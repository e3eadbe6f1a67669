import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import Subprocess
import SystemPackage
import Testing

extension EndToEnd {
    /// `kettle build` and `kettle attest`, as a person runs them.
    @Suite struct LocalBuildTests {
        private let scratch: ScratchFolder
        private var key: String { scratch.path.appending("key.pem").string }

        init() throws { scratch = try ScratchFolder() }

        private static let unconfined =
            geteuid() == 0 ? [] : ["--allow-unconfined", "memory", "--allow-unconfined", "disk"]

        private func kettle(_ arguments: String...) async throws -> Command.Ended {
            try await Command.run(
                KettleExecutable.path.string, arguments, in: scratch.path,
                environment: .inherit.updating(["XDG_CACHE_HOME": scratch.path.appending("cache").string]))
        }

        private func attest(_ path: String, to output: String, _ more: String...) async throws -> Command.Ended {
            try await Command.run(
                KettleExecutable.path.string,
                ["attest", path, "-o", output, "--software-key", key] + Self.unconfined + more, in: scratch.path,
                environment: .inherit.updating(["XDG_CACHE_HOME": scratch.path.appending("cache").string]))
        }

        private func verify(_ bundle: String, _ more: String...) async throws -> Command.Ended {
            let pem = scratch.path.appending("public.pem").string
            let made = try await Command.run("openssl", ["pkey", "-in", key, "-pubout", "-out", pem])
            #expect(made.status == 0, "\(made.everything)")
            return try await Command.run(
                KettleExecutable.path.string, ["verify", bundle, "--software-key", pem] + more, in: scratch.path)
        }

        private func source(of bundle: String) throws -> JSONValue {
            let path = scratch.path.appending(bundle).appending("provenance.json").string
            let statement = try JSONValue(parsing: Array(Data(contentsOf: URL(filePath: path))))
            return try #require(
                statement["predicate"]?["buildDefinition"]?["resolvedDependencies"]?.arrayValue?.first)
        }

        private func commit(in folder: FilePath) async throws -> String {
            for arguments in [
                ["init", "--quiet"], ["add", "--all"],
                ["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "A change"],
            ] {
                let ended = try await Command.run("git", arguments, in: folder)
                #expect(ended.status == 0, "\(ended.everything)")
            }
            return try await Command.run("git", ["rev-parse", "HEAD"], in: folder).output
                .trimmingCharacters(in: .newlines)
        }

        @Test func `a bundle may be one file, by its name`() async throws {
            try scratch.write(Projects.slow(seconds: 0), to: "project")
            let made = try await attest("project", to: "bundle.zip")
            #expect(made.status == 0, "\(made.everything)")
            #expect(made.output == "bundle.zip\n")
            let verified = try await verify("bundle.zip")
            #expect(verified.status == 0, "\(verified.everything)")
            let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path.string)
            #expect(left.filter { $0.hasPrefix("bundle") } == ["bundle.zip"])
            let again = try await attest("project", to: "bundle.zip")
            #expect(again.status == 2)
            #expect(again.everything.contains("\"bundle.zip\" exists"))
            let below = try await attest("project", to: "not/yet/bundle.zip/")
            #expect(below.status == 0, "\(below.everything)")
            #expect(below.output == "not/yet/bundle.zip\n")
        }

        @Test func `a clean checkout is attested to by its commit`() async throws {
            let project = try scratch.write(Projects.hello, to: "hello")
            try scratch.write([".gitignore": "target/\n", "target/junk": "ignored"], to: "hello")
            let head = try await commit(in: project)
            let nonce = "00112233445566778899aabbccddeeff"
            let made = try await attest("hello", to: "bundle", "--nonce", nonce)
            #expect(made.status == 0, "\(made.everything)")
            #expect(made.output.hasSuffix("  bundle/artifacts/hello\n"))
            #expect(made.errors.contains("no hardware vouches for this build"))
            #expect(try source(of: "bundle")["digest"]?["gitCommit"]?.stringValue == head)
            let tree = try await Command.run("git", ["rev-parse", "HEAD^{tree}"], in: project).output
            #expect(
                try source(of: "bundle")["digest"]?["gitTree"]?.stringValue == tree.trimmingCharacters(in: .newlines))
            let accepted = try await verify("bundle", "--commit", head, "--nonce", nonce)
            #expect(accepted.status == 0, "\(accepted.everything)")
            let program = scratch.path.appending(FilePath("bundle/artifacts/hello").components).string
            #expect(try await Command.run(program, []).output == "hello\n")

            try scratch.write(["src/main.rs": "fn main() { println!(\"changed\") }\n"], to: "hello")
            let dirty = try await attest("hello", to: "dirty", "--json")
            #expect(dirty.status == 0, "\(dirty.everything)")
            #expect(try JSONValue(parsing: Array(dirty.output.utf8.dropLast()))["platform"] == "software")
            #expect(dirty.errors.contains("The files are not those of commit \(head)"))
            #expect(try source(of: "dirty")["digest"]?["gitCommit"] == nil)
            #expect(try await verify("dirty", "--commit", head).status == 1)
        }

        /// A checkout that came from a stranger: its configuration names programs, and its index a file behind a link.
        @Test func `a checkout runs nothing on this machine and takes nothing along from outside`() async throws {
            let project = try scratch.write(Projects.hello, to: "hello")
            try scratch.write(["secret": "private\n"], to: "outside")
            try scratch.write(["d/secret": "public\n"], to: "hello")
            _ = try await commit(in: project)
            try scratch.write([".gitignore": "d\n"], to: "hello")
            let witness = scratch.path.appending("witness").string
            try FileManager.default.removeItem(atPath: project.appending("d").string)
            #expect(symlink(scratch.path.appending("outside").string, project.appending("d").string) == 0)
            for setting in [
                ["core.fsmonitor", "touch \(witness)"], ["extensions.partialClone", "origin"],
                ["remote.origin.promisor", "true"], ["remote.origin.url", "ext::sh -c touch% \(witness)"],
                ["protocol.ext.allow", "always"], ["core.repositoryformatversion", "1"],
            ] {
                #expect(try await Command.run("git", ["config"] + setting, in: project).status == 0)
            }
            try Data("\(String(repeating: "1", count: 40))\n".utf8)
                .write(to: URL(filePath: project.appending(FilePath(".git/HEAD").components).string))
            let made = try await attest("hello", to: "bundle")
            #expect(!FileManager.default.fileExists(atPath: witness))
            #expect(made.status == 0, "\(made.everything)")
            let expected = try scratch.write(Projects.hello.merging([".gitignore": "d\n"]) { $1 }, to: "expected")
            let git = ["--git-dir", scratch.path.appending("git").string, "--work-tree", expected.string]
            for arguments in [["init", "--quiet"], ["add", "--all", "--force"]] {
                #expect(try await Command.run("git", git + arguments, in: expected).status == 0)
            }
            let tree = try await Command.run("git", git + ["write-tree"], in: expected).output
            #expect(
                try source(of: "bundle")["digest"]?["gitTree"]?.stringValue
                    == tree.trimmingCharacters(in: .newlines))
        }

        @Test func `a build without evidence is made and rejected`() async throws {
            let project = try scratch.write(Projects.hello, to: "hello")
            let archive = scratch.path.appending("hello.zip")
            try await Command.pack(project, as: archive)
            let made = try await Command.run(
                KettleExecutable.path.string, ["build", archive.string, "-o", "bundle"] + Self.unconfined,
                in: scratch.path)
            #expect(made.status == 0, "\(made.everything)")
            let digest = ContentDigest(of: Array(try Data(contentsOf: URL(filePath: archive.string))))
            #expect(try source(of: "bundle")["digest"]?["sha256"]?.stringValue == digest.hex)
            let names = try FileManager.default.contentsOfDirectory(
                atPath: scratch.path.appending("bundle").string)
            #expect(
                Set(names) == ["artifacts", "build-config", "build.log", "provenance.json", "sbom.cdx.json"])
            let verdict = try await kettle("verify", "bundle")
            #expect(verdict.status == 1)
            #expect(verdict.output.contains("there is no evidence.json"))
        }

        @Test func `what cannot be built is told, and nothing is left`() async throws {
            try scratch.write(Projects.hello, to: "hello")
            try scratch.write(["src/main.rs": "fn main() { missing(); }\n"], to: "hello")
            let broken = try await attest("hello", to: "bundle")
            #expect(broken.status == 1)
            #expect(broken.output.isEmpty)
            #expect(broken.errors.contains("cannot find function `missing`"))
            #expect(broken.errors.contains("kettle: error: cargo build --release failed"))
            #expect(!FileManager.default.fileExists(atPath: scratch.path.appending("bundle").string))

            try scratch.write(["x": ""], to: "there")
            for (arguments, hint) in [
                (["build", "hello", "-o", "there"], "-o"), (["build", "nowhere"], "name the project's folder"),
                (["attest", "hello"], "--software-key"),
                (["attest", "hello", "--software-key", key, "--nonce", "xyz"], "32 hexadecimal digits"),
                (["build", "hello", "--limit", "nonsense=1"], "the settings are"),
            ] {
                let ended = try await Command.run(KettleExecutable.path.string, arguments, in: scratch.path)
                #expect(ended.status == 2, "\(arguments): \(ended.everything)")
                #expect(ended.errors.contains("kettle: hint: ") && ended.errors.contains(hint), "\(ended.errors)")
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path.string)
            #expect(!left.contains("kettle-bundle"))
        }
    }
}
