import Foundation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

extension EndToEnd {
    @Suite struct VerifyCommandTests {
        @Test func `a bundle is accepted for its key and nonce, and for no other`() async throws {
            try await Service.run { service in
                let nonce = "00112233445566778899aabbccddeeff"
                let build = try #require(try await service.build(Projects.hello, ["nonce": nonce]).buildID)
                let key = ["--software-key", service.publicKey.string]

                #expect(try await verify(build, of: service, key + ["--nonce", nonce]).status == 0)
                let other = String(nonce.reversed())
                #expect(try await verify(build, of: service, key + ["--nonce", other]).status == 1)
                #expect(try await verify(build, of: service, []).status == 1)
                let stranger = String(repeating: "ab", count: 32)
                #expect(try await verify(build, of: service, ["--software-key", stranger]).status == 1)
            }
        }

        @Test func `a changed artifact is found`() async throws {
            try await Service.run { service in
                let build = try #require(try await service.build(Projects.hello).buildID)
                let scratch = try ScratchFolder()
                let archive = scratch.path.appending("bundle.zip")
                try await service.download("/v1/builds/\(build)/bundle.zip", to: archive)
                let unpacked = try await Command.run(
                    "unzip", ["-q", archive.string, "-d", scratch.path.appending("bundle").string])
                #expect(unpacked.status == 0)
                let bundle = scratch.path.appending("bundle").string
                let key = ["--software-key", service.publicKey.string]
                let whole = try await Command.run(KettleExecutable.path.string, ["verify", bundle] + key)
                #expect(whole.status == 0, "\(whole.everything)")

                let artifact = URL(filePath: bundle + "/artifacts/hello")
                var bytes = try Data(contentsOf: artifact)
                bytes[bytes.count / 2] ^= 1
                try bytes.write(to: artifact)

                let changed = try await Command.run(KettleExecutable.path.string, ["verify", bundle, "--json"] + key)
                #expect(changed.status == 1)
                #expect(try JSONValue(parsing: Array(changed.output.utf8.dropLast())).objectValue != nil)
            }
        }

        @Test func `what is no bundle is no answer`() async throws {
            let ended = try await Command.run(KettleExecutable.path.string, ["verify", "/nonexistent.zip"])
            #expect(ended.status == 2)
            #expect(!ended.everything.isEmpty)
        }
    }
}
