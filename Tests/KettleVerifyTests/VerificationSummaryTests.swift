import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import KettleVerify
import SystemPackage
import Testing

/// What the built program writes for `--vsa`, and how the summary names what was asked.
@Suite struct VerificationSummaryTests {
    private static let time = "2026-11-18T11:08:20Z"
    private static let options = "https://kettle.build/policy/options/v1"
    private let scratch: ScratchFolder
    private let sample = SampleBundle()

    init() throws { scratch = try ScratchFolder() }

    private func write(_ contents: [String: [UInt8]]) throws -> String {
        let folder = scratch.path.appending("bundle")
        for (path, bytes) in contents {
            let place = folder.appending(FilePath(path).components)
            try FileManager.default.createDirectory(
                atPath: place.removingLastComponent().string, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: place.string))
        }
        return folder.string
    }

    private func policy(_ text: String) throws -> String {
        try scratch.write(["policy.toml": text], to: "policies").appending("policy.toml").string
    }

    /// The summary's bytes, nil where none was written.
    private func summary(of bundle: String, _ options: [String], status: Int) async throws -> [UInt8]? {
        let path = scratch.path.appending("vsa.json").string
        try? FileManager.default.removeItem(atPath: path)
        let ended = try await Command.run(
            KettleExecutable.path.string, ["verify", bundle, "--at", Self.time, "--vsa", path] + options)
        #expect(ended.status == status, "\(ended.everything)")
        return FileManager.default.contents(atPath: path).map(Array.init)
    }

    private func named(_ summary: [UInt8]?) throws -> (uri: String?, digest: String?) {
        let policy = try JSONValue(parsing: try #require(summary))["predicate"]?["policy"]
        return (policy?["uri"]?.stringValue, policy?["digest"]?["sha256"]?.stringValue)
    }

    @Test func `an accepted bundle is summed up`() async throws {
        let contents = try await sample.contents()
        let bundle = try write(contents)
        let bytes = try #require(
            try await summary(of: bundle, ["--software-key", sample.key.fingerprint.hex], status: 0))
        let json = try JSONValue(parsing: bytes)
        #expect(bytes == json.canonicalBytes())
        #expect(json["_type"]?.stringValue == Statement.type)
        #expect(json["subject"] == sample.statement.json["subject"])
        let predicate = try #require(json["predicate"])
        #expect(predicate["timeVerified"]?.stringValue == Self.time)
        #expect(predicate["verificationResult"] == "PASSED")
        #expect(predicate["verifiedLevels"] == ["SLSA_BUILD_LEVEL_1"])
        #expect(predicate["resourceUri"]?.stringValue == sample.statement.externalParameters["source"])
        let digests = predicate["inputAttestations"]?.arrayValue?.map { $0["digest"]?["sha256"]?.stringValue }
        #expect(
            digests == ["provenance.json", "evidence.json"].map { ContentDigest(of: contents[$0] ?? []).hex })
    }

    @Test func `a rejected bundle is summed up by what lies there, at no level`() async throws {
        var contents = try await sample.contents()
        contents["artifacts/tally"] = [1]
        let bundle = try write(contents)
        let bytes = try #require(
            try await summary(of: bundle, ["--software-key", sample.key.fingerprint.hex], status: 1))
        let json = try JSONValue(parsing: bytes)
        #expect(json["subject"] == [["name": "tally", "digest": ["sha256": .string(ContentDigest(of: [1]).hex)]]])
        #expect(json["predicate"]?["verificationResult"] == "FAILED")
        #expect(json["predicate"]?["verifiedLevels"] == ["FAILED"])
    }

    @Test func `where nothing was found out there is no summary`() async throws {
        // It does not tell when the build ended, so there is no such time to judge its evidence at.
        let vector = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Vectors/evidence/synthetic/bundle/finished-null").path
        #expect(try await summary(of: vector, ["--at", "build"], status: 2) == nil)
        #expect(try await summary(of: "/nonexistent", [], status: 2) == nil)
    }

    @Test func `a key is the same question by its fingerprint and by its file`() async throws {
        let bundle = try write(try await sample.contents())
        let pem = try scratch.write(["key.pem": sample.key.publicKey.pem], to: "keys").appending("key.pem").string
        let byFile = try named(try await summary(of: bundle, ["--software-key", pem], status: 0))
        let hex = sample.key.fingerprint.hex
        let byText = try named(try await summary(of: bundle, ["--software-key", hex.uppercased()], status: 0))
        #expect(byFile == byText)
        #expect(byFile.uri == Self.options)
        let questions: JSONValue = ["software_keys": [.string(hex)]]
        #expect(byFile.digest == ContentDigest(of: questions.canonicalBytes()).hex)
    }

    @Test func `a policy is named by its file's digest, unless an option was asked beside it`() async throws {
        let bundle = try write(try await sample.contents())
        let hex = sample.key.fingerprint.hex
        let text = "version = 1\nsoftware_keys = [\"\(hex)\"]\n"
        let path = try policy(text)
        let alone = try named(try await summary(of: bundle, ["--policy", path], status: 0))
        #expect(alone == ("https://kettle.build/policy/v1", ContentDigest(of: text.utf8).hex))

        let beside = try named(
            try await summary(of: bundle, ["--policy", path, "--maximum-age", "1d", "--any-measurement"], status: 0))
        let questions: JSONValue = [
            "policy": .string(ContentDigest(of: text.utf8).hex), "maximum_age": "86400s", "any_measurement": true,
        ]
        #expect(beside == (Self.options, ContentDigest(of: questions.canonicalBytes()).hex))
    }

    @Test func `a summary that cannot be written leaves no verdict and no half of a file`() async throws {
        let bundle = try write(try await sample.contents())
        let folder = try scratch.write(["kept": "x"], to: "taken")
        let ended = try await Command.run(
            KettleExecutable.path.string,
            ["verify", bundle, "--software-key", sample.key.fingerprint.hex, "--vsa", folder.string])
        #expect(ended.status == 2, "\(ended.everything)")
        #expect(ended.output.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.string) == ["kept"])
    }

    @Test func `a policy that is none is named with its line`() async throws {
        let path = try policy("version = 1\n\nbuilder = [\"https://x\"]\n")
        let ended = try await Command.run(
            KettleExecutable.path.string, ["verify", try write(try await sample.contents()), "--policy", path])
        #expect(ended.status == 2)
        #expect(ended.errors.contains("\(path):3: \"builder\" is not a key of a policy"))
        #expect(ended.errors.contains("kettle: hint: "))
    }
}
