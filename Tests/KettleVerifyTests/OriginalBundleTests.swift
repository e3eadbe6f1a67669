import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import KettleVerify
import SystemPackage
import Testing

/// Bundles that the original Kettle wrote, real and forged: `Tests/Vectors/evidence`.
@Suite struct OriginalBundleTests {
    private func verifier(_ parameters: JSONValue) throws -> BundleVerifier {
        var verifier = BundleVerifier()
        if parameters["roots"] != "vendor" {
            verifier.roots = try TrustRoots(folder: EvidenceVector.root.appending(path: "roots/synthetic").path)
        }
        verifier.time = parameters["verify_at"]?.stringValue.flatMap(Statement.Timestamp.init(text:))
        verifier.nonce = parameters["build_nonce"]?.stringValue.flatMap(BuildNonce.init(text:))
        verifier.leavesArtifactsOut = parameters["artifacts"] == "absent"
        return verifier
    }

    @Test func `there are as many as there should be`() {
        #expect(EvidenceVector.bundles.count == 38)
    }

    @Test(arguments: EvidenceVector.bundles) func `a bundle gets its verdict`(vector: EvidenceVector) throws {
        let (parameters, expected) = (vector.parameters, vector.expected)
        var verifier = try verifier(parameters)
        let path = vector.path
        // Folders that hold nothing do not survive version control.
        if vector.name.hasSuffix("artifact-directory") {
            try FileManager.default.createDirectory(atPath: "\(path)/artifacts/tool", withIntermediateDirectories: true)
        }
        let unvouched = try verifier.verify(at: path)
        #expect(unvouched.outcome == .rejected)
        verifier.acceptsAnyMeasurement = true
        let verdict = try verifier.verify(at: path)
        guard vector.isValid else {
            #expect(verdict.outcome == .rejected)
            let first = try #require(verdict.failures.first)
            #expect(vector.reasons.contains(first), "\(verdict.failures)")
            return
        }
        #expect(unvouched.failures == ["measurement.unvouched"])
        #expect(verdict.failures == [])
        #expect(verdict.outcome == .accepted)
        let facts = try #require(expected["facts"]?.objectValue)
        let own = try #require(verdict.verified?.hardware?.facts.objectValue)
        for (name, value) in own { #expect(facts[name]?.canonicalString() == value.canonicalString(), "\(name)") }
        let nonce = facts["build_nonce"]?.stringValue ?? ""
        #expect(verdict.verified?.nonce.hex == (nonce.isEmpty ? BuildNonce.zero.hex : nonce))
        #expect(verdict.verified?.statementDigest.hex == facts["provenance_file_sha256"]?.stringValue)
    }

    @Test(arguments: ["bundle/alejandra", "bundle/ripgrep"])
    func `a real bundle is accepted with its measurement and rejected with another`(name: String) async throws {
        let vector = try EvidenceVector(name)
        let digest = try #require(vector.expected["facts"]?["launch_digest"]?.stringValue)
        let path = vector.path
        let leaveOut = name.hasSuffix("ripgrep") ? ["--without-artifacts"] : []
        func verify(_ options: [String]) async throws -> (status: Int, text: String) {
            let ended = try await Command.run(
                KettleExecutable.path.string, ["verify", path, "--at", "2026-06-01T00:00:00Z"] + leaveOut + options)
            return (Int(ended.status), ended.everything)
        }
        let right = try await verify(["--measurement", digest])
        #expect(right.status == 0, "\(right.text)")
        let none = try await verify([])
        #expect(none.status == 1)
        #expect(none.text.contains("nothing vouches for what the hardware measured"))
        #expect(try await verify(["--measurement", String(repeating: "0", count: 96)]).status == 1)
        #expect(try await verify(["--any-measurement"]).status == 0)
        #expect(try await verify(["--any-measurement", "--at", "2035-01-01T00:00:00Z"]).status == 1)
        #expect(try await verify(["--any-measurement", "--at", "build"]).status == 0)
        if name.hasSuffix("ripgrep") {
            let whole = try await Command.run(
                KettleExecutable.path.string, ["verify", path, "--at", "2026-06-01T00:00:00Z", "--any-measurement"])
            #expect(whole.status == 1)
            #expect(whole.everything.contains("the artifact \"rg\" is not in the bundle"))
        }
    }

    // MARK: - What no vector has

    /// A synthetic bundle, changed; its evidence is then of another statement.
    private func changed(
        _ statement: (String) -> String = { $0 }, _ more: [String: [UInt8]] = [:]
    ) throws -> Verdict {
        let folder = EvidenceVector.root.appending(path: "synthetic/bundle/snp-cargo")
        func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }
        let text = statement(String(decoding: try read("provenance.json"), as: UTF8.self))
        var contents = [
            "provenance.json": Array(text.utf8), "evidence.json": try read("evidence.json"),
            "artifacts/tool": try read("artifacts/tool"),
        ]
        contents.merge(more) { $1 }
        var verifier = try verifier(try EvidenceVector("synthetic/bundle/snp-cargo").parameters)
        verifier.acceptsAnyMeasurement = true
        return verifier.verify(try UnverifiedBundle(contents: contents))
    }

    @Test func `what lies beside its files is named, and what hides among the artifacts refused`() throws {
        #expect(try changed().failures == [])
        #expect(try changed({ $0 }, ["README": [1]]).notes.contains("bundle.unchecked"))
        #expect(try changed({ $0 }, ["collateral/evil.sh": [1]]).notes.contains("bundle.unchecked"))
        // A slash with an accent behind it is one character to Swift, and two bytes to everyone else.
        #expect(try changed({ $0 }, ["artifacts/\u{301}evil": [1]]).failures == ["artifact.unexpected"])
        #expect(try changed({ $0 }, ["artifacts/more/evil": [1]]).failures == ["artifact.kind"])
    }

    @Test func `a link beside its files is refused`() throws {
        let scratch = try ScratchFolder()
        let bundle = scratch.path.appending("bundle").string
        try FileManager.default.copyItem(
            atPath: EvidenceVector.root.appending(path: "synthetic/bundle/snp-cargo").path, toPath: bundle)
        symlink("/etc/passwd", "\(bundle)/README")
        var verifier = try verifier(try EvidenceVector("synthetic/bundle/snp-cargo").parameters)
        verifier.acceptsAnyMeasurement = true
        #expect(try verifier.verify(at: bundle).failures == ["bundle.kind"])
    }

    @Test(arguments: [
        "never", "2026-03-05", "2026-03-05T07:06:04 lies+00:00", "2026-03-05T07:06:04.x+00:00",
        "2026-03-05T07:06:04+01:00",
        "2026-13-05T07:06:04+00:00", "2026-03-05T07:06:04.+00:00", "2026-03-05T07:06:04.1234567890Z",
    ])
    func `a time that is none is refused`(text: String) throws {
        for name in ["startedOn", "finishedOn"] {
            let pattern = try Regex("\"\(name)\": \"[^\"]*\"")
            let verdict = try changed { $0.replacing(pattern, with: "\"\(name)\": \"\(text)\"") }
            #expect(verdict.failures.contains("provenance.format"), "\(name)")
        }
    }

    @Test func `packages are compared without the checksum that the original repeats`() throws {
        let path = EvidenceVector.root.appending(path: "bundle/ripgrep").path
        var verifier = BundleVerifier()
        verifier.time = Statement.Timestamp(text: "2026-06-01T00:00:00Z")
        verifier.acceptsAnyMeasurement = true
        verifier.leavesArtifactsOut = true
        func failures(_ text: String) throws -> [String] {
            verifier.policy = try Policy(parsing: Array("version = 1\n[dependencies]\n\(text)".utf8))
            return try verifier.verify(at: path).failures
        }
        #expect(try failures("required = [\"pkg:cargo/aho-corasick@1.1.3\"]") == [])
        #expect(try failures("required = [\"pkg:cargo/ghost\"]") == ["policy.required"])
        #expect(try failures("denied = [\"pkg:cargo/aho-corasick\"]") == ["policy.denied"])
        #expect(try failures("denied = [\"pkg:cargo/ghost\"]") == [])
    }

    @Test func `an input that nobody can compare is not passed over`() throws {
        var verifier = try verifier(try EvidenceVector("synthetic/bundle/snp-cargo").parameters)
        verifier.policy = try Policy(parsing: Array("version = 1\n[dependencies]\ndenied = [\"pkg:cargo/evil\"]".utf8))
        let bytes = try Data(
            contentsOf: EvidenceVector.root.appending(path: "synthetic/bundle/snp-cargo/provenance.json"))
        let text = String(decoding: bytes, as: UTF8.self).replacing(
            /"uri": "pkg:[^"]*"/, with: "\"uri\": \"PKG: evil\"")
        let verdict = verifier.verify(try UnverifiedBundle(contents: ["provenance.json": Array(text.utf8)]))
        #expect(verdict.failures.contains("policy.denied"))
    }

    @Test func `a policy judges what the original says of itself`() throws {
        let path = EvidenceVector.root.appending(path: "bundle/alejandra").path
        var verifier = BundleVerifier()
        verifier.time = Statement.Timestamp(text: "2026-06-01T00:00:00Z")
        verifier.acceptsAnyMeasurement = true
        func failures(_ text: String) throws -> [String] {
            verifier.policy = try Policy(parsing: Array("version = 1\n\(text)".utf8))
            return try verifier.verify(at: path).failures
        }
        let right = """
            builders = ["https://lunal.dev/kettle-tee/v1"]
            build_types = ["https://lunal.dev/kettle/nix@v1"]
            sources = ["git+https://github.com/kamadorueda/alejandra"]
            commits = ["8f47c5e82ee8e6e8adcc1748be0056a1e349f7e8"]
            maximum_age = "90d"
            """
        #expect(try failures(right) == [])
        #expect(try failures("sources = [\"git+https://github.com/kamadorueda/other\"]") == ["policy.source"])
        #expect(try failures("maximum_age = \"1d\"") == ["policy.age"])
        // It does not tell which ref was asked for.
        #expect(try failures("refs = [\"HEAD\"]") == ["policy.ref"])
    }
}
