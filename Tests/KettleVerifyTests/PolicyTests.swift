import KettleAttestation
import KettleProvenance
import KettleVerify
import Testing

@Suite struct PolicyTests {
    private static let digest = String(repeating: "ab", count: 32)
    private static let measurement = String(repeating: "cd", count: 48)

    private func read(_ text: String) throws(PolicyError) -> Policy { try Policy(parsing: Array(text.utf8)) }

    @Test func `every key is read`() throws {
        let policy = try read(
            """
            version = 1
            builders = ["https://kettle.build/builder/software/v1"]
            build_types = ["https://kettle.build/cargo/v1"]
            sources = ["https://forge.example/acme/*", "archive:tally.zip"]
            refs = ["main", "v*", "HEAD"]
            commits = ["\(String(repeating: "c0", count: 20))"]
            software_keys = ["\(Self.digest)"]
            measurements = ["\(Self.measurement)"]
            maximum_age = "30d"
            [minimum_tcb]
            snp = 27
            microcode = 255
            [dependencies]
            required = ["pkg:cargo/serde"]
            denied = ["pkg:cargo/openssl-sys", "pkg:cargo/serde@0.9.0"]
            """)
        #expect(policy.builders == ["https://kettle.build/builder/software/v1"])
        #expect(policy.buildTypes == ["https://kettle.build/cargo/v1"])
        #expect(policy.sources?.map(\.text) == ["git+https://forge.example/acme/*", "archive:tally.zip"])
        #expect(policy.refs?.map(\.text) == ["main", "v*", "HEAD"])
        #expect(policy.commits == [String(repeating: "c0", count: 20)])
        #expect(policy.softwareKeys.map(\.hex) == [Self.digest])
        #expect(policy.hardware.launchDigests == [[UInt8](repeating: 0xCD, count: 48)])
        #expect(policy.maximumAge == 2_592_000)
        #expect(policy.hardware.minimumTCB == [.snp: 27, .microcode: 255])
        #expect(policy.required.map(\.text) == ["pkg:cargo/serde"])
        #expect(policy.denied.map(\.text) == ["pkg:cargo/openssl-sys", "pkg:cargo/serde@0.9.0"])
    }

    @Test func `a policy that asks nothing is one`() throws {
        #expect(try read("version = 1") == Policy())
    }

    /// Each with its line and its code.
    @Test(
        arguments: [
            ("", nil, "policy.missing_key"), ("version = 2", 1, "policy.unknown_version"),
            ("version = \"1\"", 1, "policy.unknown_version"), ("version = 1.0", 1, "policy.unknown_version"),
            ("version = 1\nbuilder = [\"https://x\"]", 2, "policy.unknown_key"),
            ("version = 1\n\"Builders\" = [\"https://x\"]", 2, "policy.unknown_key"),
            ("version = 1\n[dependencies]\nallowed = [\"pkg:cargo/a\"]", 3, "policy.unknown_key"),
            ("version = 1\n[minimum_tcb]\nkernel = 1", 3, "policy.unknown_key"),
            ("version = 1\nminimum_tcb = { kernel = 1 }", 2, "policy.unknown_key"),
            ("version = 1\nversion = 1", 2, "policy.malformed"), ("version = 1\nrefs = [", 2, "policy.malformed"),
            ("version = 1\nrefs = []", 2, "policy.empty"), ("version = 1\n[dependencies]", 2, "policy.empty"),
            ("version = 1\n[minimum_tcb]", 2, "policy.empty"),
            ("version = 1\n[dependencies]\ndenied = []", 3, "policy.empty"),
            ("version = 1\nrefs = \"main\"", 2, "policy.wrong_type"),
            ("version = 1\nrefs = [1]", 2, "policy.wrong_type"),
            ("version = 1\nrefs = [[\"main\"]]", 2, "policy.wrong_type"),
            ("version = 1\ndependencies = []", 2, "policy.wrong_type"),
            ("version = 1\nminimum_tcb = 1", 2, "policy.wrong_type"),
            ("version = 1\n[minimum_tcb]\nsnp = 256", 3, "policy.wrong_type"),
            ("version = 1\n[minimum_tcb]\nsnp = -1", 3, "policy.wrong_type"),
            ("version = 1\n[minimum_tcb]\nsnp = \"1\"", 3, "policy.wrong_type"),
            ("version = 1\nmaximum_age = 30", 2, "policy.wrong_type"),
            ("version = 1\nmaximum_age = \"30\"", 2, "policy.invalid"),
            ("version = 1\nmaximum_age = \"0d\"", 2, "policy.invalid"),
            ("version = 1\nmaximum_age = \"-1d\"", 2, "policy.invalid"),
            ("version = 1\nmaximum_age = \"9223372036854775807d\"", 2, "policy.invalid"),
            ("version = 1\nmaximum_age = \"99999999999999999999s\"", 2, "policy.invalid"),
            ("version = 1\nmaximum_age = \"d\"", 2, "policy.invalid"),
            ("version = 1\nmaximum_age = \"\"", 2, "policy.invalid"),
            ("version = 1\nbuilders = [\"kettle.build\"]", 2, "policy.invalid"),
            ("version = 1\nrefs = [\"\"]", 2, "policy.invalid"), ("version = 1\nrefs = [\"*v\"]", 2, "policy.invalid"),
            ("version = 1\ncommits = [\"c0ffee\"]", 2, "policy.invalid"),
            ("version = 1\ncommits = [\"\(String(repeating: "C0", count: 20))\"]", 2, "policy.invalid"),
            ("version = 1\nsoftware_keys = [\"\(digest)00\"]", 2, "policy.invalid"),
            ("version = 1\nmeasurements = [\"\(digest)\"]", 2, "policy.invalid"),
            ("version = 1\nrefs = [\"a\", \"b\", \"a\"]", 2, "policy.duplicate"),
            ("version = 1\nsources = [\"https://x/y\", \"git+https://x/y\"]", 2, "policy.duplicate"),
            (
                "version = 1\n[dependencies]\ndenied = [\"pkg:cargo/a\", \"pkg:Cargo/%61\"]", 3, "policy.duplicate"
            ),
            ("version = 1\n[dependencies]\nrequired = [\"serde\"]", 3, "policy.invalid"),
        ] as [(String, Int?, String)])
    func `a policy that says something else is refused where it says it`(text: String, line: Int?, code: String) {
        let error = #expect(throws: PolicyError.self) { try Policy(parsing: Array(text.utf8)) }
        #expect(error?.code == code, "\(error?.message ?? "")")
        #expect(error?.line == line)
    }

    @Test func `a policy that is too large is refused, and a long header does not make one larger`() {
        let comment = [UInt8](repeating: UInt8(ascii: "#"), count: Policy.limitInBytes + 1)
        let error = #expect(throws: PolicyError.self) { try Policy(parsing: comment) }
        #expect(error?.problem == .tooLarge(limitInBytes: Policy.limitInBytes))
        let header = "[" + String(repeating: "a", count: 500_000) + "]\n"
        let keys = (0..<40_000).map { "k\($0)=1" }.joined(separator: "\n")
        #expect(throws: PolicyError.self) { try Policy(parsing: Array((header + keys).utf8)) }
    }

    // MARK: - Patterns

    @Test(
        arguments: [
            ("https://forge.example/acme/tally", true), ("git+https://forge.example/acme/tally", true),
            ("git+https://forge.example/acme/tally@main", true), ("git+https://forge.example/acme/*", true),
            ("git+https://forge.example/*", true), ("git+https://forge.example/acme/tally@dev", false),
            ("git+https://forge.example/acme/tall", false), ("git+https://forge.example/acme", false),
            ("git+https://forge.example/acme/tally/", false), ("git+https://forge.example/acme/tally.git", false),
            ("git+https://forge.example/ac/*", false), ("git+https://forge.example/acme/tally/*", false),
            ("git+https://forge.example/acme/tally@main/*", false), ("git+http://forge.example/acme/tally", false),
            ("archive:*", false), ("archive:tally", false),
        ])
    func `a source is the one that a pattern names`(pattern: String, matches: Bool) async throws {
        let sample = Self.sample(source: "git+https://forge.example/acme/tally@main", ref: "main")
        var verifier = sample.verifier
        verifier.expected.sources = [try #require(SourcePattern(text: pattern))]
        let verdict = verifier.verify(try UnverifiedBundle(contents: try await sample.contents()))
        #expect(verdict.failures == (matches ? [] : ["expected.source"]))
    }

    /// Each would be below `acme` for whoever compares beginnings only.
    @Test(arguments: [
        "git+https://forge.example/acme/../mallory/tally", "git+https://forge.example/acme/%2e%2E/mallory/tally",
        "git+https://forge.example/acme/..%2Fmallory/tally", "git+https://forge.example/acme//mallory",
        "git+https://forge.example/acme/./tally", "git+https://forge.example/acme/..%5Cmallory",
        "git+https://forge.example/acme/", "git+https://forge.example/acme",
        "git+https://forge.example/acme-evil/tally",
        "git+https://forge.example.evil/acme/tally", "git+https://forge.example/acme/tally?x", "archive:acme/tally",
        "git+https://forge.example@evil.example/acme/tally", "GIT+https://forge.example/acme/tally",
    ])
    func `nothing leaves the folder that a pattern ends in`(source: String) async throws {
        let sample = Self.sample(source: source, ref: nil)
        var verifier = sample.verifier
        verifier.expected.sources = [try #require(SourcePattern(text: "git+https://forge.example/acme/*"))]
        let verdict = verifier.verify(try UnverifiedBundle(contents: try await sample.contents()))
        #expect(verdict.failures.contains("expected.source"))
    }

    @Test(arguments: [
        "", "*", "git+*", "git+https://*", "git+https:///*", "https://*.example/a", "git+https://forge.example/a*",
        "git+https://forge.example/*/tally", "archive:", "archive:a*", "ssh://forge.example/a", "forge.example/a",
        "git+https://forge.example/a\n",
    ])
    func `what names neither a repository nor an archive is no pattern`(text: String) {
        #expect(SourcePattern(text: text) == nil)
    }

    @Test(
        arguments: [
            ("main", "main", true), ("main", "mai", false), ("main", "MAIN", false), ("main", "m*", true),
            ("main", "*", true), ("main", "HEAD", false), ("v1.2", "v*", true), ("v1.2", "v1.2*", true),
            ("v1.2", "v1.3*", false), (nil, "HEAD", true), (nil, "*", true), (nil, "main", false),
        ] as [(String?, String, Bool)])
    func `a ref is the one that a pattern names`(ref: String?, pattern: String, matches: Bool) async throws {
        let source = "git+https://forge.example/tally"
        let sample = Self.sample(source: ref.map { "\(source)@\($0)" } ?? source, ref: ref)
        var verifier = sample.verifier
        verifier.expected.refs = [try #require(RefPattern(text: pattern))]
        let verdict = verifier.verify(try UnverifiedBundle(contents: try await sample.contents()))
        #expect(verdict.failures == (matches ? [] : ["expected.ref"]))
    }

    @Test func `an archive has no ref`() async throws {
        var sample = SampleBundle.withInputs { $0[0] = BundleVerifierTests.archive }
        sample.statement.externalParameters["source"] = "archive:tally.zip"
        var verifier = sample.verifier
        let bundle = try UnverifiedBundle(contents: try await sample.contents())
        verifier.expected.sources = [try #require(SourcePattern(text: "archive:*"))]
        #expect(verifier.verify(bundle).outcome == .accepted)
        verifier.expected.refs = [try #require(RefPattern(text: "*"))]
        #expect(verifier.verify(bundle).failures == ["expected.ref"])
    }

    private static func sample(source: String, ref: String?) -> SampleBundle {
        var sample = SampleBundle.withInputs { $0[0].uri = source }
        sample.statement.externalParameters["source"] = source
        sample.statement.externalParameters["ref"] = ref
        return sample
    }

    // MARK: - What is asked of a true bundle

    @Test func `what is met is told, and what the policy names is taken`() async throws {
        let sample = SampleBundle()
        var verifier = BundleVerifier()
        verifier.time = Statement.Timestamp(secondsSince1970: 1_795_000_009 + 3600)
        verifier.policy = try read(
            """
            version = 1
            builders = ["https://kettle.build/builder/software/v1"]
            build_types = ["https://kettle.build/cargo/v1"]
            sources = ["git+https://forge.example/*"]
            refs = ["HEAD"]
            commits = ["\(SampleBundle.commit)"]
            software_keys = ["\(sample.key.fingerprint)"]
            maximum_age = "1h"
            [dependencies]
            required = ["pkg:cargo/serde", "pkg:cargo/anyhow@1.0.0"]
            denied = ["pkg:cargo/serde@2.0.0", "pkg:cargo/openssl-sys", "pkg:npm/serde", "pkg:cargo/Serde"]
            """)
        let bundle = try UnverifiedBundle(contents: try await sample.contents())
        let verdict = verifier.verify(bundle)
        #expect(verdict.outcome == .accepted, "\(verdict.failures)")
        let passed = Set(verdict.findings.filter { $0.status == .passed }.map(\.code))
        let asked = ["builder", "build_type", "source", "ref", "commit", "age", "required", "denied"]
        #expect(passed.isSuperset(of: asked.map { "policy.\($0)" }))
        verifier.time = Statement.Timestamp(secondsSince1970: 1_795_000_009 + 3601)
        #expect(verifier.verify(bundle).failures == ["policy.age"])
        verifier.time = nil
        #expect(verifier.verify(bundle).outcome == .undetermined)
    }

    @Test func `a policy that names no key takes nobody's word`() async throws {
        let sample = SampleBundle()
        var verifier = BundleVerifier()
        verifier.policy = Policy()
        let bundle = try UnverifiedBundle(contents: try await sample.contents())
        #expect(verifier.verify(bundle).failures == ["software_key.unnamed"])
    }

    @Test func `a clock may be five minutes off`() async throws {
        let sample = SampleBundle()
        let bundle = try UnverifiedBundle(contents: try await sample.contents())
        var verifier = sample.verifier
        verifier.expected.maximumAge = 60
        verifier.time = Statement.Timestamp(secondsSince1970: 1_795_000_009 - 300)
        #expect(verifier.verify(bundle).outcome == .accepted)
        verifier.time = Statement.Timestamp(secondsSince1970: 1_795_000_009 - 301)
        #expect(verifier.verify(bundle).failures == ["provenance.future"])
    }

    @Test func `any measurement is no answer to a question`() async throws {
        let sample = SampleBundle()
        let bundle = try UnverifiedBundle(contents: try await sample.contents())
        var verifier = sample.verifier
        verifier.acceptsAnyMeasurement = true
        let verdict = verifier.verify(bundle)
        #expect(verdict.outcome == .accepted)
        #expect(verdict.findings.contains { $0.code == "measurement.none" && $0.status == .notChecked })
    }

    // MARK: - Drafts

    @Test(arguments: [nil, "main", "feature/a\"b\\c"])
    func `a draft accepts its bundle, other commits, and no other repository`(ref: String?) async throws {
        let source = "git+https://forge.example/tally"
        let sample = Self.sample(source: ref.map { "\(source)@\($0)" } ?? source, ref: ref)
        let bundle = try UnverifiedBundle(contents: try await sample.contents())
        var verifier = BundleVerifier()
        verifier.policy = try Policy(parsing: Array(try Policy.draft(for: bundle).utf8))
        #expect(verifier.verify(bundle).outcome == .accepted)

        var later = sample
        later.statement.resolvedDependencies[0].digest["gitCommit"] = String(repeating: "c1", count: 20)
        later.statement.byproducts[0] = ResourceDescriptor(
            name: Statement.inputMerkleRootName,
            sha256: Statement.inputMerkleRoot(of: later.statement.resolvedDependencies.map(\.json)))
        #expect(verifier.verify(try UnverifiedBundle(contents: try await later.contents())).outcome == .accepted)

        var other = Self.sample(source: "git+https://forge.example/other", ref: nil)
        other.key = sample.key
        let rejected = verifier.verify(try UnverifiedBundle(contents: try await other.contents()))
        #expect(rejected.failures.contains("policy.source"))
    }

    @Test func `a draft of an archive names it, harmless for a terminal`() async throws {
        let sample = Self.sample(source: "archive:\u{202E}zip\u{2066}\u{E0001}\"", ref: nil)
        let draft = try Policy.draft(for: try UnverifiedBundle(contents: try await sample.contents()))
        #expect(draft.utf8.allSatisfy { $0 == 0x0A || 0x20..<0x7F ~= $0 })
        #expect(try read(draft).sources?.map(\.text) == ["archive:\u{202E}zip\u{2066}\u{E0001}\""])
    }

    @Test(arguments: ["", "file:///etc", "archive:a*b.zip", "git+https://forge.example/*/x"])
    func `what a policy cannot name gets no policy`(source: String) async throws {
        let sample = Self.sample(source: source, ref: nil)
        let bundle = try UnverifiedBundle(contents: try await sample.contents())
        #expect(throws: PolicyDraftError.self) { try Policy.draft(for: bundle) }
    }

    @Test func `what is no statement gets no policy`() throws {
        let error = #expect(throws: PolicyDraftError.self) {
            try Policy.draft(for: try UnverifiedBundle(contents: ["provenance.json": [1]]))
        }
        #expect(error?.code == "statement.not_json")
    }
}
