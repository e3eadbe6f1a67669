import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import KettleVerify
import SystemPackage
import Testing

/// The built `kettle verify`, for every finding: 0 accepted, 1 rejected, 2 could not find out.
@Suite struct ExitCodeTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    /// Runs the program on a bundle that it finds as a folder.
    private func verify(
        _ contents: [String: [UInt8]], _ options: [String], named name: String = "bundle"
    ) async throws -> (ended: Command.Ended, verdict: JSONValue) {
        let folder = scratch.path.appending("\(name)-\(UInt64.random(in: 0 ... .max))")
        for (path, bytes) in contents {
            let place = folder.appending(FilePath(path).components)
            try FileManager.default.createDirectory(
                atPath: place.removingLastComponent().string, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: place.string))
        }
        let ended = try await Command.run(
            KettleExecutable.path.string, ["verify", folder.string, "--json", "--at", "2026-11-18T11:08:20Z"] + options)
        return (ended, try JSONValue(parsing: Array(ended.output.utf8.dropLast())))
    }

    private func codes(_ verdict: JSONValue, _ status: String) -> Set<String> {
        Set(
            (verdict["findings"]?.arrayValue ?? []).filter { $0["status"]?.stringValue == status }
                .compactMap { $0["code"]?.stringValue })
    }

    @Test func `a bundle without a fault exits 0`() async throws {
        let sample = SampleBundle()
        let (ended, verdict) = try await verify(
            try await sample.contents(), ["--software-key", sample.key.fingerprint.hex])
        #expect(ended.status == 0, "\(ended.everything)")
        #expect(verdict["schema"] == "https://kettle.build/verdict/v1")
        #expect(verdict["outcome"] == "accepted")
    }

    @Test(arguments: ForgeryTests.spoilt)
    func `a forgery exits 1 with its findings`(forgery: Forgery) async throws {
        var sample = SampleBundle()
        forgery.change(&sample)
        var contents = try await sample.contents()
        forgery.spoil(&contents)
        let (ended, verdict) = try await verify(contents, ["--software-key", sample.key.fingerprint.hex])
        #expect(ended.status == 1, "\(ended.everything)")
        #expect(codes(verdict, "failed") == Set(forgery.codes))
    }

    /// What is asked, and the finding of an answer that is no.
    private static let questions: [(options: [String], policy: String, code: String)] = [
        (
            ["--builder", "https://kettle.build/builder/tdx/v1"],
            "builders = [\"https://kettle.build/builder/tdx/v1\"]", "builder"
        ),
        (["--source", "git+https://forge.example/other"], "sources = [\"git+https://forge.example/other\"]", "source"),
        (
            ["--commit", String(repeating: "0", count: 40)], "commits = [\"\(String(repeating: "0", count: 40))\"]",
            "commit"
        ),
        (["--maximum-age", "60s"], "maximum_age = \"60s\"", "age"),
        (
            ["--measurement", String(repeating: "0", count: 96)],
            "measurements = [\"\(String(repeating: "0", count: 96))\"]", "launch_digest"
        ),
        ([], "build_types = [\"https://kettle.build/go/v1\"]", "build_type"), ([], "refs = [\"main\"]", "ref"),
        (["--min-tcb", "snp=1"], "[minimum_tcb]\nsnp = 1", "min_tcb"),
        ([], "[dependencies]\nrequired = [\"pkg:cargo/ghost\"]", "required"),
        ([], "[dependencies]\ndenied = [\"pkg:cargo/serde\"]", "denied"),
    ]

    @Test(arguments: questions.indices)
    func `a question that is answered with no exits 1`(index: Int) async throws {
        let question = Self.questions[index]
        let sample = SampleBundle()
        let contents = try await sample.contents()
        let key = ["--software-key", sample.key.fingerprint.hex]
        if !question.options.isEmpty {
            let (ended, verdict) = try await verify(contents, key + question.options)
            #expect(ended.status == 1, "\(ended.everything)")
            // What hardware has to say has one name, whoever asks.
            let asker = ["launch_digest", "min_tcb"].contains(question.code) ? "policy" : "expected"
            #expect(codes(verdict, "failed") == ["\(asker).\(question.code)"])
        }
        let policy = try scratch.write(["policy.toml": "version = 1\n\(question.policy)\n"], to: "policy-\(index)")
        let (ended, verdict) = try await verify(
            contents, key + ["--policy", policy.appending("policy.toml").string])
        #expect(ended.status == 1, "\(ended.everything)")
        #expect(codes(verdict, "failed") == ["policy.\(question.code)"])
    }

    @Test func `a policy that was made from a bundle accepts it, and a key in it is enough`() async throws {
        let sample = SampleBundle()
        let contents = try await sample.contents()
        let draft = try Policy.draft(for: UnverifiedBundle(contents: contents))
        let policy = try scratch.write(["policy.toml": draft], to: "drafted").appending("policy.toml").string
        let (ended, verdict) = try await verify(contents, ["--policy", policy])
        #expect(ended.status == 0, "\(ended.everything)")
        #expect(codes(verdict, "passed").isSuperset(of: ["policy.builder", "policy.source", "policy.ref"]))
        var other = SampleBundle()
        other.statement.externalParameters["ref"] = "evil"
        let (refused, _) = try await verify(try await other.contents(), ["--policy", policy])
        #expect(refused.status == 1)
    }

    @Test func `a list of images is taken as it is, or on the word of the key that signed it`() async throws {
        let roots = scratch.path.appending("roots").string
        try ChipVendor.shared.writeRoots(to: roots)
        let entry = "{\"platform\":\"sev-snp\",\"measurement\":\"\(ChipVendor.measurement.hexadecimal)\"}"
        let folder = try scratch.write(
            ["list.json": "{\"schema\":\"https://kettle.build/reference-values/v1\",\"values\":[\(entry)]}"],
            to: "lists")
        let (list, signed) = (folder.appending("list.json").string, folder.appending("signed.json").string)
        let key = folder.appending("key.pem").string
        let made = try await Command.run(
            KettleExecutable.path.string, ["policy", "sign-list", list, "--key", key, "-o", signed])
        #expect(made.status == 0, "\(made.everything)")
        let fingerprint = try #require(made.everything.firstMatch(of: /fingerprint ([0-9a-f]{64})/)).output.1
        let bundle = scratch.path.appending("hardware").string
        for (path, bytes) in try HardwareBundle(kind: .snp).contents() {
            let place = URL(filePath: bundle).appending(path: path)
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: place)
        }
        let options = ["--trust-roots", roots, "--at", ChipVendor.time]
        for (more, status) in [
            (["--measurements", list], 0), (["--measurements", signed, "--measurements-key", String(fingerprint)], 0),
            (["--measurements", signed], 2), (["--measurements", list, "--measurements-key", String(fingerprint)], 2),
            (["--measurements", signed, "--measurements-key", SoftwareKey().fingerprint.hex], 2),
            (["--measurements-key", String(fingerprint)], 2), (["--measurements", "/nonexistent"], 2),
            (["--measurements", list, "--any-measurement"], 2),
        ] {
            let ended = try await Command.run(KettleExecutable.path.string, ["verify", bundle] + options + more)
            #expect(ended.status == status, "\(more): \(ended.everything)")
        }
    }

    @Test(arguments: ["snp", "tdx", "az-snp", "az-tdx"])
    func `hardware's evidence without its members exits 1`(platform: String) async throws {
        let sample = SampleBundle.with { $0.builderID = Platform(evidenceName: platform)?.builderID ?? "" }
        var contents = try await sample.contents()
        contents["evidence.json"] = Array("{\"evidence\":{},\"platform\":\"\(platform)\"}".utf8)
        let (ended, verdict) = try await verify(contents, [])
        #expect(ended.status == 1, "\(ended.everything)")
        #expect(codes(verdict, "failed") == ["evidence.format"])
    }

    @Test(arguments: [
        ["--nonce", "xyz"], ["--commit", "abc"], ["--source", "nowhere"], ["--source", "git+https://x.example/*/y"],
        ["--maximum-age", "1y"], ["--maximum-age", "0s"], ["--at", "yesterday"], ["--measurement", "00"],
        ["--measurement", String(repeating: "0", count: 96), "--any-measurement"], ["--policy", "/nonexistent"],
        ["--software-key", "/nonexistent"], ["--vsa", "/nonexistent/vsa.json"], ["--unknown"],
    ])
    func `a question that cannot be asked exits 2`(options: [String]) async throws {
        let contents = try await SampleBundle().contents()
        let folder = try scratch.write(["x": ""], to: "b-\(UInt64.random(in: 0 ... .max))")
        for (path, bytes) in contents {
            let place = folder.appending(FilePath(path).components)
            try FileManager.default.createDirectory(
                atPath: place.removingLastComponent().string, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: place.string))
        }
        let ended = try await Command.run(KettleExecutable.path.string, ["verify", folder.string] + options)
        #expect(ended.status == 2, "\(ended.everything)")
        #expect(!ended.errors.isEmpty)
    }
}
