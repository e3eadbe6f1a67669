import Foundation
import Glibc
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

/// What a flake's own code may do while it is evaluated, and what is left of it.
extension NixBuildTests {
    @Test func `of what ran in the evaluation nothing is left for the build`() async throws {
        let (archive, digest) = try await pack("hello from a lock")
        try await FileServer.serving([Self.words: archive]) { server in
            let built = try await builds.build(
                try await nix(server.address), try write(Self.github(digest)),
                // Replaces the store's copy of the input and what the store knows.
                evaluatingToo: """
                    for file in /nix/store/*/words.txt; do
                        chmod u+w $file ${file%/*}; echo changed > $file; echo /nix/store > /nix/attacked
                    done
                    rm -r /nix/var
                    ! echo "{ }" 2>&- > /build/source/flake.nix
                    ! touch 2>&- /build/source/attacked
                    """)
            #expect(built.scriptStatus == 0 && built.status == 0, "\(built.shown)")
            let program = built.target.appending(FilePath(try #require(built.artifacts.first).path).components)
            #expect(try await Command.run(program.string, []).output == "hello from a lock\n")
            let left = try FileManager.default.contentsOfDirectory(atPath: built.target.string).sorted()
            #expect(left == ["archives", "nix"])
            #expect(access(built.target.appending("nix").appending("attacked").string, F_OK) != 0)
        }
    }

    @Test func `an evaluation writes nothing but the name of a derivation`() async throws {
        let files = [
            "flake.nix": #"{ outputs = { self }: { packages.x86_64-linux.default.drvPath."../escaped" = "x"; }; }"#
        ]
        let built = try await builds.build(try await nix(), try write(files))
        #expect(built.status != 0 && built.shown.contains { $0.contains("assertion") }, "\(built.shown)")
    }

    @Test func `a repository that a flake brings along runs nothing`() async throws {
        let repository = try scratch.write(["file": "hello", ".gitattributes": "* filter=x\n"], to: "filtered")
        func git(_ arguments: String...) async throws -> String {
            let identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
            let ended = try await Command.run("git", identity + arguments, in: repository)
            guard ended.status == 0 else { throw CommandFailed(program: "git", ended: ended) }
            return ended.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        _ = try await git("init", "-q")
        _ = try await git("add", ".")
        _ = try await git("commit", "-qm", "x")
        _ = try await git("config", "filter.x.smudge", "echo attacked >&2; touch /build/source/attacked; cat")
        let commit = try await git("rev-parse", "HEAD")
        let source = try write([
            "flake.nix": """
            { outputs = { self }: let
                archive = builtins.fetchTarball { url = "file:///build/source/archive.tar"; sha256 = "\(try NixArchive.hash(repository))"; };
                files = builtins.fetchGit { url = "file://${archive}"; rev = "\(commit)"; };
              in { packages.x86_64-linux.default = derivation {
                name = builtins.readFile "${files}/file"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo made > $out" ];
              }; }; }
            """
        ])
        let packed = try await Command.run(
            "tar", ["-cf", source.appending("archive.tar").string, "filtered"], in: repository.removingLastComponent())
        #expect(packed.status == 0)
        let built = try await builds.build(try await nix(), source)
        #expect(built.status != 0 && built.shown.contains { $0.contains("git") }, "\(built.shown)")
        #expect(!built.shown.contains { $0.contains("attacked") }, "\(built.shown)")
    }
}
