import KettleAttestation
import KettleProvenance
import KettleVerify
import Testing

@Suite struct BundleVerifierTests {
    @Test func `a bundle in which everything holds is accepted`() async throws {
        let sample = SampleBundle()
        let verdict = try await sample.verdict()
        #expect(verdict.failures == [])
        #expect(verdict.outcome == .accepted)
        #expect(verdict.verified?.statement == sample.statement)
        #expect(verdict.verified?.softwareKey == sample.key.fingerprint)
        #expect(verdict.verified?.platform == .software)
    }

    @Test func `without a named key it is rejected`() async throws {
        let bundle = try UnverifiedBundle(contents: try await SampleBundle().contents())
        let verdict = BundleVerifier().verify(bundle)
        #expect(verdict.outcome == .rejected)
        #expect(verdict.failures == ["software_key.unnamed"])
        #expect(verdict.verified == nil)
        #expect(BundleVerifier(softwareKeys: [SoftwareKey().fingerprint]).verify(bundle).outcome == .rejected)
    }

    @Test func `the log and the lockfile may be left out, as in the result tarball`() async throws {
        let verdict = try await SampleBundle().verdict {
            $0["build.log"] = nil
            $0["build-config/Cargo.lock"] = nil
        }
        #expect(verdict.outcome == .accepted)
        #expect(verdict.findings.filter { $0.status == .notChecked }.map(\.code).contains("build_log.absent"))
    }

    @Test func `an outer folder around everything is passed over`() async throws {
        let sample = SampleBundle()
        let files = try await sample.contents()
        let outer = Dictionary(uniqueKeysWithValues: files.map { ("tally-1.0/\($0.key)", $0.value) })
        #expect(sample.verifier.verify(try UnverifiedBundle(contents: outer)).outcome == .accepted)
        var beside = outer
        beside["other/file"] = []
        #expect(sample.verifier.verify(try UnverifiedBundle(contents: beside)).outcome == .rejected)
    }

    // MARK: Files

    @Test(arguments: [
        ("provenance.json", "provenance.missing"), ("evidence.json", "evidence.missing"),
        ("artifacts/tally", "artifact.missing"),
    ])
    func `a file that must be there is missed`(path: String, code: String) async throws {
        let verdict = try await SampleBundle().verdict { $0[path] = nil }
        #expect(verdict.outcome == .rejected)
        #expect(verdict.failures.contains(code))
    }

    @Test(arguments: [
        ("artifacts/tally", "artifact.mismatch"), ("build.log", "build_log.mismatch"),
        ("build-config/Cargo.lock", "lockfile.mismatch"),
    ])
    func `every changed byte of a file is found`(path: String, code: String) async throws {
        let count = try #require(SampleBundle().files[path]?.count)
        for index in 0..<count {
            let verdict = try await SampleBundle().verdict { $0[path]?[index] ^= 1 }
            #expect(verdict.failures == [code])
        }
        let cut = try await SampleBundle().verdict { $0[path]?.removeLast() }
        #expect(cut.failures == [code])
        let longer = try await SampleBundle().verdict { $0[path]?.append(0) }
        #expect(longer.failures == [code])
    }

    @Test(arguments: [
        ("artifacts/other", "artifact.unexpected"), ("artifacts/.hidden", "artifact.unexpected"),
        ("artifacts/sub/tally", "artifact.kind"), ("artifacts/Tally", "artifact.unexpected"),
        ("build-config/other", "bundle.unexpected"), ("README", "bundle.unexpected"),
        ("provenance.json.bak", "bundle.unexpected"), ("outer/provenance.json", "bundle.unexpected"),
    ])
    func `a file that nothing speaks for is refused`(path: String, code: String) async throws {
        let verdict = try await SampleBundle().verdict { $0[path] = Array("x".utf8) }
        #expect(verdict.outcome == .rejected)
        #expect(verdict.failures == [code])
    }

    @Test func `another spelling of an accent is another artifact`() async throws {
        let sample = SampleBundle.with { $0.subject[0].name = "caf\u{E9}" }
        let same = try await sample.verdict {
            $0["artifacts/tally"] = nil
            $0["artifacts/caf\u{E9}"] = SampleBundle.program
        }
        #expect(same.outcome == .accepted)
        let other = try await sample.verdict {
            $0["artifacts/tally"] = nil
            $0["artifacts/cafe\u{301}"] = SampleBundle.program
        }
        #expect(other.failures == ["artifact.missing", "artifact.unexpected"])
    }

    // MARK: Nonce and commit

    @Test func `a nonce must be the one that was signed and recorded`() async throws {
        let nonce = try #require(BuildNonce(text: "000102030405060708090a0b0c0d0e0f"))
        var sample = SampleBundle.with { $0.externalParameters["nonce"] = nonce.hex }
        sample.nonce = nonce
        let bundle = try UnverifiedBundle(contents: try await sample.contents())
        var verifier = sample.verifier
        #expect(verifier.verify(bundle).outcome == .accepted)
        verifier.nonce = nonce
        #expect(verifier.verify(bundle).outcome == .accepted)
        verifier.nonce = .zero
        #expect(verifier.verify(bundle).failures == ["nonce.mismatch"])

        var unsigned = sample
        unsigned.nonce = .zero
        #expect(try await unsigned.verdict().failures == ["nonce.record"])
        var unrecorded = SampleBundle()
        unrecorded.nonce = nonce
        #expect(try await unrecorded.verdict().failures == ["nonce.record"])
    }

    @Test func `a nonce that was asked for and not signed is missed`() async throws {
        let sample = SampleBundle()
        var verifier = sample.verifier
        verifier.nonce = BuildNonce(text: "000102030405060708090a0b0c0d0e0f")
        let verdict = verifier.verify(try UnverifiedBundle(contents: try await sample.contents()))
        #expect(verdict.failures == ["nonce.mismatch"])
    }

    @Test func `a commit must be the one that was built`() async throws {
        let sample = SampleBundle()
        let bundle = try UnverifiedBundle(contents: try await sample.contents())
        var verifier = sample.verifier
        verifier.expected.commits = [SampleBundle.commit]
        #expect(verifier.verify(bundle).outcome == .accepted)
        verifier.expected.commits = [String(repeating: "0", count: 40)]
        #expect(verifier.verify(bundle).failures == ["expected.commit"])

        let archive = SampleBundle.withInputs { $0[0] = Self.archive }
        var uploaded = archive
        uploaded.statement.externalParameters["source"] = "archive:tally.zip"
        let second = try UnverifiedBundle(contents: try await uploaded.contents())
        #expect(uploaded.verifier.verify(second).outcome == .accepted)
        verifier = uploaded.verifier
        verifier.expected.commits = [SampleBundle.commit]
        #expect(verifier.verify(second).failures == ["expected.commit"])
    }

    static let archive = ResourceDescriptor(
        uri: "archive:tally.zip",
        digest: ["sha256": ContentDigest(of: "zip".utf8).hex, "gitTree": String(repeating: "7e", count: 20)])

    // MARK: Platforms

    @Test(arguments: ["snp", "tdx", "az-snp", "az-tdx", "gcp-snp", "gcp-tdx", "dstack"])
    func `evidence of hardware is left undetermined`(name: String) async throws {
        let platform = try #require(Platform(evidenceName: name))
        let sample = SampleBundle.with { $0.builderID = platform.builderID }
        let verdict = try await sample.verdict {
            $0["evidence.json"] = Array(#"{"platform":"\#(name)","evidence":{"quote":"AAAA"}}"#.utf8)
        }
        #expect(verdict.failures == [])
        #expect(verdict.outcome == .undetermined)
        #expect(verdict.verified == nil)
        let mismatched = try await SampleBundle().verdict {
            $0["evidence.json"] = Array(#"{"platform":"\#(name)","evidence":{"quote":"AAAA"}}"#.utf8)
        }
        #expect(mismatched.failures == ["provenance.builder"])
    }

    @Test(arguments: ["sev-snp", "az-snp", "tdx", "other", "softwarE"])
    func `a software key does not speak for another builder`(platform: String) async throws {
        let sample = SampleBundle.with { $0.builderID = Statement.builderID(platform: platform) }
        #expect(try await sample.verdict().failures == ["provenance.builder"])
    }

    @Test func `a statement of ours with the original's build type is none of the original's`() async throws {
        let sample = SampleBundle.with { $0.buildType = "https://lunal.dev/kettle/cargo@v1" }
        let verdict = try await sample.verdict()
        #expect(verdict.outcome == .rejected)
        #expect(verdict.failures.contains("evidence.platform"))
        #expect(verdict.failures.contains("provenance.format"))
    }

    // MARK: What is printed

    @Test func `a finding shows what was expected and what was there, harmless for a terminal`() async throws {
        let verdict = try await SampleBundle().verdict { $0["artifacts/\u{1B}[2Jx\u{202E}"] = [] }
        let text = verdict.findings.map(\.text).joined(separator: "\n")
        #expect(text.contains(#"\u{1b}[2Jx\u{202e}"#))
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 })
        let changed = try await SampleBundle().verdict { $0["artifacts/tally"] = [] }
        let finding = try #require(changed.findings.first { $0.code == "artifact.mismatch" })
        #expect(finding.text.contains("expected: sha256 \(ContentDigest(of: SampleBundle.program))"))
        #expect(finding.text.contains("actual:   sha256 \(ContentDigest(of: []))"))
    }

    @Test func `the verdict is one JSON object`() async throws {
        let sample = SampleBundle()
        let json = try await sample.verdict().json
        #expect(json["outcome"] == "accepted")
        #expect(json["software_key"]?.stringValue == sample.key.fingerprint.hex)
        #expect(json["provenance"] == sample.statement.json)
        let rejected = try await sample.verdict { $0["artifacts/tally"] = nil }.json
        #expect(rejected["outcome"] == "rejected")
        #expect(rejected["provenance"] == nil)
        #expect(rejected["findings"]?.arrayValue?.contains { $0["code"] == "artifact.missing" } == true)
    }
}
