import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    /// Flakes through the whole service, by ZIP and git. Nothing of nixpkgs can be reached here.
    @Suite(.enabled(if: Command.isInstalled("nix"), "nix is not installed"))
    struct FlakeTests {
        private static let revision = String(repeating: "1", count: 40)

        /// A flake whose input is the text of a real package, and what the forge serves of it.
        private func flake(in scratch: ScratchFolder) async throws -> (files: [String: String], archive: [UInt8]) {
            let top = try scratch.write(["licences-1/MIT.txt": "Permission is hereby granted\n"], to: "top")
            let archive = scratch.path.appending("archive.tar.gz")
            let packed = try await Command.run("tar", ["-czf", archive.string, "licences-1"], in: top)
            guard packed.status == 0 else { throw CommandFailed(program: "tar", ended: packed) }
            let state = ["NIX_STATE_DIR=\(scratch.path.appending("state"))", "NIX_LOG_DIR=\(scratch.path)"]
            let folder = top.appending("licences-1").string
            let hash = try await Command.run(
                "env", state + ["nix-hash", "--type", "sha256", folder])
            guard hash.status == 0 else { throw CommandFailed(program: "nix-hash", ended: hash) }
            let digest = try #require(
                ContentDigest(hex: hash.output.trimmingCharacters(in: .whitespacesAndNewlines)))
            let text = Data(digest.bytes).base64EncodedString()
            let files = [
                "flake.nix": """
                {
                  inputs.licences = { url = "github:example/licences"; flake = false; };
                  outputs = { self, licences }: {
                    packages.x86_64-linux.default = derivation {
                      name = "show-licence-1.0"; system = "x86_64-linux"; builder = "/bin/sh"; PATH = "/usr/bin:/bin";
                      args = [ "-c" ''
                        mkdir -p $out/bin $out/share
                        cp ${licences}/MIT.txt $out/share/
                        { echo '#!/bin/sh'; echo "echo '$(cat ${licences}/MIT.txt)'"; } > $out/bin/show-licence
                        chmod +x $out/bin/show-licence
                      '' ];
                    };
                  };
                }
                """,
                "flake.lock": """
                {"nodes": {"licences": {"flake": false, "locked": {"lastModified": 1700000000,
                   "narHash": "sha256-\(text)", "owner": "example", "repo": "licences", "rev": "\(Self.revision)",
                   "type": "github"}, "original": {"owner": "example", "repo": "licences", "type": "github"}},
                  "root": {"inputs": {"licences": "licences"}}}, "root": "root", "version": 7}
                """,
            ]
            return (files, Array(try Data(contentsOf: URL(filePath: archive.string))))
        }

        private static var archivePath: String { "/example/licences/archive/\(revision).tar.gz" }

        @Test func `a flake builds by ZIP and by git, and hands over its output as an archive`() async throws {
            let scratch = try ScratchFolder()
            let (files, archive) = try await flake(in: scratch)
            try await FileServer.serving([Self.archivePath: archive]) { forge in
                try await GitRepositories.serving { repositories in
                    let repository = try await repositories.make("flake", files)
                    try await Service.run(
                        ["--nix-github", "\(forge.address)/", "--allow-url", "http://127.0.0.1"]
                    ) { service in
                        let byZIP = try await service.build(files)
                        let byGit = try await service.build(FormData(fields: ["repo_url": repository.url]))
                        for stream in [byZIP, byGit] {
                            try await expectVerifiedSuccess(stream, service)
                        }
                        let subjects = [byZIP, byGit].map { $0.result?["provenance"]?["subject"] }
                        #expect(subjects[0] == subjects[1])
                        let program = scratch.path.appending("show")
                        try await service.download(
                            "/v1/builds/\(try #require(byGit.buildID))/artifacts/show-licence", to: program)
                        #expect(
                            try await Command.run("sh", [program.string]).output == "Permission is hereby granted\n")
                    }
                }
            }
        }

        @Test func `an archive that changed on the way, and a lockfile that says something else, end the build`()
            async throws
        {
            let scratch = try ScratchFolder()
            let (files, archive) = try await flake(in: scratch)
            var changed = files
            changed["flake.lock"] = changed["flake.lock"]?.replacing("sha256-", with: "sha256-AAAA").replacing(
                /AAAA..../, with: "AAAA")
            let lock = changed
            try await FileServer.serving([Self.archivePath: archive]) { forge in
                try await Service.run(["--nix-github", "\(forge.address)/"]) { service in
                    let other = try await service.build(lock)
                    #expect(other.result?["error_type"] == "DependencyError", "\(other.messages)")
                    #expect(other.result?["code"] == "toolchain.checksum_mismatch")
                    // Other files under the same name, packed as well as the first.
                    let top = try scratch.write(["licences-1/MIT.txt": "All rights reserved\n"], to: "other")
                    let packed = try await Command.run("tar", ["-czf", "../other.tar.gz", "licences-1"], in: top)
                    #expect(packed.status == 0)
                    let path = scratch.path.appending("other.tar.gz").string
                    forge.set(Self.archivePath, Array(try Data(contentsOf: URL(filePath: path))))
                    let served = try await service.build(files)
                    #expect(served.result?["error_type"] == "DependencyError", "\(served.messages)")
                    #expect(served.result?["code"] == "toolchain.checksum_mismatch")
                }
            }
        }

        @Test
        func `what derivations need comes signed from a cache or by its pinned digest, and the statement names it`()
            async throws
        {
            let scratch = try ScratchFolder()
            let cache = try await FetchingFlake.makeCache(in: scratch)
            let files = FetchingFlake.files()
            try await FileServer.serving(cache.files) { server in
                try await GitRepositories.serving { repositories in
                    let repository = try await repositories.make("speak", files)
                    let options = [
                        "--nix-cache", server.address, "--nix-cache-key", cache.publicKey, "--nix-hashed-mirror",
                        "\(server.address)/", "--allow-url", "http://127.0.0.1",
                    ]
                    try await Service.run(options) { service in
                        let byZIP = try await service.build(files)
                        let byGit = try await service.build(FormData(fields: ["repo_url": repository.url]))
                        for stream in [byZIP, byGit] {
                            #expect(stream.result?["status"] == "success", "\(stream.messages.suffix(10))")
                            let definition = stream.result?["provenance"]?["predicate"]?["buildDefinition"]
                            let signed = definition?["resolvedDependencies"]?.arrayValue?.filter {
                                $0["annotations"]?["signedBy"]?.stringValue?.hasPrefix("test-cache-1:") == true
                                    && $0["digest"]?["sha256"] != nil
                            }
                            #expect(
                                signed?.compactMap { $0["uri"]?.stringValue }
                                    == [cache.base, cache.library].map {
                                        "pkg:generic/\($0.dropFirst(44))?store_path=\($0.replacing("/", with: "%2F"))"
                                    })
                        }
                        let subjects = [byZIP, byGit].map { $0.result?["provenance"]?["subject"] }
                        #expect(subjects[0] != nil && subjects[0] == subjects[1])
                        let build = try #require(byGit.buildID)
                        let program = scratch.path.appending("speak")
                        try await service.download("/v1/builds/\(build)/artifacts/speak", to: program)
                        #expect(try await Command.run("sh", [program.string]).output == FetchingFlake.cachedOutput)
                        let accepted = try await verify(
                            build, of: service, as: "bundle.zip", ["--software-key", service.publicKey.string])
                        #expect(accepted.status == 0, "\(accepted.everything)")

                        // Another archive under the same name, packed as well as the first.
                        let archives = try [cache.base, cache.library].map {
                            "/\(try #require(cache.value("URL", of: $0)))"
                        }
                        server.set(archives[0], cache.files[archives[1]])
                        let changed = try await service.build(files)
                        #expect(changed.result?["error_type"] == "DependencyError", "\(changed.messages)")
                        #expect(changed.result?["code"] == "toolchain.cannot_be_fetched")
                        try await expectBuildFromPinnedFile(files, cache, server, service)
                    }
                }
            }
        }

        /// The cache has neither library nor base any more, so both are built, from the word that a derivation pins.
        private func expectBuildFromPinnedFile(
            _ files: [String: String], _ cache: FetchingFlake.Cache, _ server: FileServer, _ service: Service
        ) async throws {
            for path in [cache.library, cache.base] { server.set(cache.path(ofInfo: path), nil) }
            server.set(FetchingFlake.mirroredPath, Array(FetchingFlake.word.utf8))
            let built = try await service.build(files)
            #expect(built.result?["status"] == "success", "\(built.messages.suffix(10))")
            let definition = built.result?["provenance"]?["predicate"]?["buildDefinition"]
            let word = definition?["resolvedDependencies"]?.arrayValue?.filter {
                $0["digest"]?["sha256"]?.stringValue == ContentDigest(of: FetchingFlake.word.utf8).hex
            }
            let named = word?.compactMap { $0["uri"]?.stringValue } ?? []
            #expect(
                named.count == 1
                    && named.allSatisfy {
                        $0.hasPrefix("pkg:generic/word.txt?store_path=%2Fnix%2Fstore%2F") && $0.hasSuffix("-word.txt")
                    }, "\(named)")
            server.set(FetchingFlake.mirroredPath, Array("changed".utf8))
            let changed = try await service.build(files)
            #expect(changed.result?["error_type"] == "DependencyError", "\(changed.messages)")
            #expect(changed.result?["code"] == "toolchain.checksum_mismatch")
        }

        private func expectVerifiedSuccess(_ stream: ServerSentEvents, _ service: Service) async throws {
            let result = try #require(stream.result)
            #expect(result["status"] == "success", "\(stream.messages.suffix(10)) \(result)")
            let named = result["artifacts"]?.arrayValue?.compactMap { $0["name"]?.stringValue }
            #expect(named == ["show-licence", "show-licence-1.0.nar"])
            let definition = result["provenance"]?["predicate"]?["buildDefinition"]
            #expect(definition?["buildType"] == "https://kettle.build/nix/v1")
            let inputs = definition?["resolvedDependencies"]?.arrayValue?.filter {
                $0["uri"]?.stringValue == "pkg:github/example/licences@\(Self.revision)"
            }
            #expect(inputs?.count == 1)
            let accepted = try await verify(
                try #require(stream.buildID), of: service, as: "bundle.zip",
                ["--software-key", service.publicKey.string])
            #expect(accepted.status == 0, "\(accepted.everything)")
        }
    }
}
