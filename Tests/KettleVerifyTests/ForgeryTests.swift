import KettleAttestation
import KettleProvenance
import KettleVerify
import Testing

/// One lie: what was changed, and the finding that must tell of it.
struct Forgery: CustomTestStringConvertible, Sendable {
    let name: String
    /// The codes of the failed findings, all of them.
    let codes: [String]
    let change: @Sendable (inout SampleBundle) -> Void
    let spoil: @Sendable (inout [String: [UInt8]]) -> Void
    let ask: @Sendable (inout BundleVerifier) -> Void

    init(
        _ name: String, _ codes: String..., change: @escaping @Sendable (inout SampleBundle) -> Void = { _ in },
        spoil: @escaping @Sendable (inout [String: [UInt8]]) -> Void = { _ in },
        ask: @escaping @Sendable (inout BundleVerifier) -> Void = { _ in }
    ) {
        self.name = name
        self.codes = codes
        self.change = change
        self.spoil = spoil
        self.ask = ask
    }

    var testDescription: String { name }

    /// The forged bundle, and who is asked about it.
    func made() async throws -> (contents: [String: [UInt8]], verifier: BundleVerifier) {
        var sample = SampleBundle()
        change(&sample)
        var contents = try await sample.contents()
        spoil(&contents)
        var verifier = sample.verifier
        verifier.time = Statement.Timestamp(secondsSince1970: 1_795_000_100)
        ask(&verifier)
        return (contents, verifier)
    }
}

/// Bundles that are wrong in one way, and signed by the trusted key wherever the liar could have had it.
@Suite struct ForgeryTests {
    @Test(arguments: all)
    func `a forgery is rejected for what it is`(forgery: Forgery) async throws {
        let (contents, verifier) = try await forgery.made()
        let verdict = verifier.verify(try UnverifiedBundle(contents: contents))
        #expect(verdict.outcome == .rejected)
        #expect(verdict.verified == nil)
        #expect(Set(verdict.failures) == Set(forgery.codes), "\(verdict.findings.map(\.text))")
        // Each tells what was there, or says in words what is missing.
        #expect(verdict.findings.allSatisfy { !$0.message.isEmpty })
    }

    @Test func `the bundle that they are forged from is accepted, and there are many of them`() async throws {
        var verifier = SampleBundle().verifier
        let sample = SampleBundle()
        verifier = sample.verifier
        verifier.time = Statement.Timestamp(secondsSince1970: 1_795_000_100)
        let verdict = verifier.verify(try UnverifiedBundle(contents: try await sample.contents()))
        #expect(verdict.outcome == .accepted)
        #expect(Self.all.count >= 70)
        #expect(Set(Self.all.map(\.name)).count == Self.all.count)
    }

    static let all = spoilt + evidence + questions
    /// Those that can be seen without asking for more.
    static let spoilt = statement + inputs + files

    private static func resigned(
        _ name: String, _ codes: String..., change: @escaping @Sendable (inout Statement) -> Void
    ) -> Forgery {
        Forgery(name, codes) { change(&$0.statement) }
    }

    /// The same with the Merkle root that belongs to the changed inputs.
    private static func reinput(
        _ name: String, _ codes: String..., change: @escaping @Sendable (inout [ResourceDescriptor]) -> Void
    ) -> Forgery {
        Forgery(name, codes) { sample in
            change(&sample.statement.resolvedDependencies)
            sample.statement.byproducts[0] = ResourceDescriptor(
                name: Statement.inputMerkleRootName,
                sha256: Statement.inputMerkleRoot(of: sample.statement.resolvedDependencies.map(\.json)))
        }
    }

    private static let zeros = ContentDigest(bytes: [UInt8](repeating: 0, count: 32)) ?? ContentDigest(of: [])

    // MARK: - The statement, signed again

    private static let statement = [
        resigned("another build type", "provenance.build_type") { $0.buildType = "https://kettle.build/cargo/v2" },
        resigned("the build type of a toolchain that there is not", "provenance.build_type") {
            $0.buildType = "https://kettle.build/zig/v1"
        },
        resigned("an original's build type in our form", "provenance.build_type") {
            $0.buildType = "https://kettle.build/nix/v1"
        },
        resigned("the build type of another toolchain than the lockfile's", "provenance.build_type") {
            $0.buildType = "https://kettle.build/npm/v1"
        },
        resigned("another toolchain than the one that was asked for", "provenance.toolchain") {
            $0.externalParameters["toolchain"] = "npm"
        },
        resigned("another toolchain than the one that the source asks for", "provenance.toolchain") {
            $0.internalParameters["projectSettings"] = ["toolchain": "npm"]
        },
        resigned("the builder of another platform", "provenance.builder") {
            $0.builderID = Statement.builderID(platform: "sev-snp")
        },
        resigned("the builder that nobody attests to", "provenance.builder") {
            $0.builderID = Statement.unattestedBuilderID
        },
        resigned("an unknown external parameter", "provenance.external_parameter") {
            $0.externalParameters["features"] = "evil"
        },
        resigned("no source parameter", "provenance.source", "provenance.dependencies") {
            $0.externalParameters["source"] = nil
        },
        resigned("a source of another kind", "provenance.source", "provenance.dependencies") {
            $0.externalParameters["source"] = "file:///etc"
        },
        resigned("a source that is not the first input", "provenance.dependencies") {
            $0.externalParameters["source"] = "git+https://forge.example/other"
        },
        resigned("a ref that the source does not name", "provenance.ref") { $0.externalParameters["ref"] = "main" },
        resigned("an empty ref", "provenance.ref") { $0.externalParameters["ref"] = "" },
        resigned("an end before the beginning", "provenance.time") {
            $0.startedOn = Statement.Timestamp(secondsSince1970: 1_795_000_010)
        },
        resigned("a build of tomorrow", "provenance.future") {
            $0.finishedOn = Statement.Timestamp(secondsSince1970: 1_795_086_400)
        },
        resigned("no build id", "provenance.invocation") { $0.invocationID = "" },
        resigned("a build id that is too short", "provenance.invocation") { $0.invocationID = "0123456789abcdef" },
        resigned("a build id of other characters", "provenance.invocation") {
            $0.invocationID = "0123456789abcdef0123456\u{1B}"
        },
        resigned("a nonce that was not signed", "nonce.record") {
            $0.externalParameters["nonce"] = "00112233445566778899aabbccddeeff"
        },
        resigned("no artifact", "artifact.none", "artifact.unexpected") { $0.subject = [] },
        resigned("an artifact twice", "artifact.duplicate") { $0.subject.append($0.subject[0]) },
        resigned("an artifact twice with two digests", "artifact.duplicate") {
            $0.subject.append(.init(name: "tally", digest: zeros))
        },
        resigned("an artifact that is not there", "artifact.missing") {
            $0.subject.append(.init(name: "other", digest: zeros))
        },
        resigned("an artifact of another digest", "artifact.mismatch") { $0.subject[0].digest = zeros },
        resigned("an artifact that leaves its folder", "artifact.name") {
            $0.subject.append(.init(name: "../evidence.json", digest: zeros))
        },
        resigned("an artifact without a name", "artifact.name") { $0.subject.append(.init(name: "", digest: zeros)) },
        resigned("another artifact's name", "artifact.missing", "artifact.unexpected") { $0.subject[0].name = "talli" },
        resigned("no Merkle root", "provenance.merkle_root") { $0.byproducts.remove(at: 0) },
        resigned("two Merkle roots", "provenance.merkle_root") { $0.byproducts.append($0.byproducts[0]) },
        resigned("another Merkle root", "provenance.merkle_root") {
            $0.byproducts[0] = ResourceDescriptor(name: Statement.inputMerkleRootName, sha256: zeros)
        },
        resigned("a Merkle root by another algorithm", "provenance.merkle_root") {
            $0.byproducts[0].digest = ["sha512": String(repeating: "0", count: 128)]
        },
        resigned("no log", "build_log.unnamed") { $0.byproducts.remove(at: 1) },
        resigned("two logs", "build_log.unnamed") { $0.byproducts.append($0.byproducts[1]) },
        resigned("another log's digest", "build_log.mismatch") {
            $0.byproducts[1] = ResourceDescriptor(name: Statement.buildLogName, sha256: zeros)
        },
        resigned("no bill of materials", "sbom.unnamed") { $0.byproducts.remove(at: 2) },
        resigned("another bill's digest", "sbom.mismatch") {
            $0.byproducts[2] = SoftwareBillOfMaterials.byproduct([1])
        },
        resigned("a bill of another kind", "sbom.media_type") { $0.byproducts[2].mediaType = "text/plain" },
    ]

    // MARK: - The inputs, with their root, signed again

    private static let inputs = [
        Forgery("an input changed behind the root's back", "provenance.merkle_root") {
            $0.statement.resolvedDependencies[2].digest = ["sha256": zeros.hex]
        },
        Forgery("an input removed behind the root's back", "provenance.merkle_root") {
            $0.statement.resolvedDependencies.remove(at: 2)
        },
        Forgery("an input added behind the root's back", "provenance.merkle_root") {
            $0.statement.resolvedDependencies.insert(
                ResourceDescriptor(uri: "pkg:cargo/aaa@1.0.0", sha256: zeros), at: 2)
        },
        Forgery("inputs in another order behind the root's back", "provenance.merkle_root", "provenance.dependencies") {
            $0.statement.resolvedDependencies.swapAt(2, 3)
        },
        reinput("no input at all", "provenance.dependencies", "lockfile.unnamed", "bundle.unexpected") { $0 = [] },
        reinput("the source alone", "provenance.dependencies", "lockfile.unnamed", "bundle.unexpected") {
            $0 = [$0[0]]
        },
        reinput("packages in another order", "provenance.dependencies") { $0.swapAt(2, 3) },
        reinput("a package among the tools", "provenance.dependencies") { $0.append($0.remove(at: 2)) },
        reinput("a package twice", "provenance.dependencies") { $0.insert($0[2], at: 3) },
        reinput("a package twice with two digests", "provenance.dependencies") {
            $0.insert(ResourceDescriptor(uri: $0[2].uri, sha256: zeros), at: 3)
        },
        reinput("a package that another spelling hides", "provenance.dependencies") {
            $0[3].uri = "pkg:cargo/%73erde@1.0.0"
        },
        reinput("a package that nobody can read", "provenance.dependencies") {
            $0[3].uri = "pkg:cargo/serde@1?x=1&x=2"
        },
        reinput("a package that is no package by its scheme's case", "provenance.dependencies") {
            $0.append(ResourceDescriptor(uri: "PKG:cargo/openssl-sys@1.0.0", sha256: zeros))
        },
        reinput("a tool twice", "provenance.dependencies") {
            $0.append(ResourceDescriptor(name: "rustc", sha256: zeros))
        },
        reinput("an input without a name", "provenance.dependencies") { $0[4].name = nil },
        reinput("no tool", "provenance.dependencies") { $0.removeLast() },
        reinput("a package without a digest", "provenance.dependencies") { $0[2].digest = [:] },
        reinput("a tool without a digest", "provenance.dependencies") { $0[4].digest = [:] },
        reinput("a source without a tree", "provenance.dependencies") { $0[0].digest["gitTree"] = nil },
        reinput("a git source without a commit", "provenance.dependencies") { $0[0].digest["gitCommit"] = nil },
        reinput("no lockfile", "provenance.dependencies", "bundle.unexpected") { $0.remove(at: 1) },
        reinput("another lockfile's digest", "lockfile.mismatch") {
            $0[1] = ResourceDescriptor(name: "Cargo.lock", sha256: zeros)
        },
        reinput("a lockfile by another algorithm", "provenance.dependencies", "lockfile.unnamed") {
            $0[1].digest = ["sha512": String(repeating: "0", count: 128)]
        },
        reinput("a digest of another length", "provenance.format") { $0[2].digest = ["sha256": "abcd"] },
        reinput("a digest in upper case", "provenance.format") {
            $0[2].digest = ["sha256": String(repeating: "AB", count: 32)]
        },
    ]

    // MARK: - The files

    private static let files = [
        Forgery("an artifact with one bit flipped", "artifact.mismatch", spoil: { $0["artifacts/tally"]?[3] ^= 1 }),
        Forgery("an artifact cut short", "artifact.mismatch", spoil: { $0["artifacts/tally"]?.removeLast() }),
        Forgery(
            "an artifact with something behind it", "artifact.mismatch", spoil: { $0["artifacts/tally"]?.append(0) }),
        Forgery("an empty artifact", "artifact.mismatch", spoil: { $0["artifacts/tally"] = [] }),
        Forgery("no artifact file", "artifact.missing", spoil: { $0["artifacts/tally"] = nil }),
        Forgery("one more artifact", "artifact.unexpected", spoil: { $0["artifacts/more"] = [1] }),
        Forgery("a hidden artifact", "artifact.unexpected", spoil: { $0["artifacts/.hidden"] = [1] }),
        Forgery(
            "an artifact in a folder", "artifact.kind",
            spoil: { $0["artifacts/bin/tally"] = SampleBundle.program }),
        Forgery(
            "an artifact under another spelling", "artifact.missing", "artifact.unexpected",
            spoil: {
                $0["artifacts/Tally"] = $0.removeValue(forKey: "artifacts/tally")
            }),
        Forgery("another lockfile", "lockfile.mismatch", spoil: { $0["build-config/Cargo.lock"]?.append(0) }),
        Forgery("one more lockfile", "bundle.unexpected", spoil: { $0["build-config/package-lock.json"] = [1] }),
        Forgery("another log", "build_log.mismatch", spoil: { $0["build.log"]?.removeFirst() }),
        Forgery("another bill of materials", "sbom.mismatch", spoil: { $0["sbom.cdx.json"]?.append(0x20) }),
        Forgery("a file that nothing speaks for", "bundle.unexpected", spoil: { $0["README"] = [1] }),
        Forgery("a file in a folder that nothing speaks for", "bundle.unexpected", spoil: { $0["src/main.rs"] = [1] }),
        Forgery(
            "a second statement", "bundle.unexpected", spoil: { $0["provenance.json.bak"] = $0["provenance.json"] }),
        Forgery(
            "no statement", "provenance.missing", "binding.mismatch",
            spoil: { $0["provenance.json"] = nil }),
        Forgery("no evidence", "evidence.missing", "provenance.builder", spoil: { $0["evidence.json"] = nil }),
        Forgery(
            "a statement with one digit changed", "binding.mismatch",
            spoil: { replace("provenance.json", "01234567", "11234567", in: &$0) }),
        Forgery(
            "a statement with a member twice", "provenance.format", "binding.mismatch",
            spoil: {
                replace("provenance.json", "{\"_type\":", "{\"_type\":\"\",\"_type\":", in: &$0)
            }),
        Forgery(
            "a statement with blanks", "provenance.canonical", "binding.mismatch",
            spoil: { replace("provenance.json", "\":", "\": ", in: &$0) }),
        Forgery(
            "a statement that is none", "provenance.format", "provenance.canonical", "binding.mismatch",
            spoil: { $0["provenance.json"] = Array("{} ".utf8) }),
        Forgery(
            "a statement that is not JSON", "provenance.format", "binding.mismatch",
            spoil: { $0["provenance.json"] = Array("PK".utf8) }),
    ]

    // MARK: - The evidence

    static let evidence = [
        Forgery("a stranger's key", "software_key.unnamed", ask: { $0.softwareKeys = [SoftwareKey().fingerprint] }),
        Forgery("no key named", "software_key.unnamed", ask: { $0.softwareKeys = [] }),
        Forgery(
            "evidence that is not JSON", "evidence.format", "provenance.builder",
            spoil: { $0["evidence.json"] = [0x7B] }),
        Forgery(
            "an unknown platform", "evidence.platform", "provenance.builder",
            spoil: { replace("evidence.json", "\"software\"", "\"sgx\"", in: &$0) }),
        Forgery(
            "an unknown member", "evidence.format", "provenance.builder",
            spoil: { replace("evidence.json", "{\"evidence\"", "{\"debug\":true,\"evidence\"", in: &$0) }),
        Forgery(
            "an unknown algorithm", "evidence.algorithm",
            spoil: { replace("evidence.json", "ecdsa-p256-sha256", "none", in: &$0) }),
        Forgery(
            "signed data of another length", "evidence.format",
            spoil: { replace("evidence.json", "\"signed_data\":\"", "\"signed_data\":\"00", in: &$0) }),
        Forgery(
            "a key that is none", "evidence.key",
            spoil: { contents in
                let text = String(decoding: contents["evidence.json"] ?? [], as: UTF8.self)
                let start = text.firstRange(of: "\"public_key\":\"")?.upperBound ?? text.startIndex
                let key = String(text[start...].prefix { $0 != "\"" })
                replace("evidence.json", key, "AAAA", in: &contents)
            }),
        Forgery(
            "no signature", "evidence.format",
            spoil: { replace("evidence.json", "\"signature\"", "\"signatura\"", in: &$0) }),
        Forgery(
            "a signature of something else", "evidence.signature",
            spoil: { contents in
                let zeros = String(repeating: "0", count: 96)
                let text = String(decoding: contents["evidence.json"] ?? [], as: UTF8.self)
                let start = text.firstRange(of: "\"signed_data\":\"")?.upperBound ?? text.startIndex
                let signed = String(text[start...].prefix(96))
                replace("evidence.json", signed, zeros, in: &contents)
            }),
    ]

    // MARK: - Questions that a true bundle does not satisfy

    private static func asked(
        _ name: String, _ what: String, _ ask: @escaping @Sendable (inout Policy) -> Void
    ) -> [Forgery] {
        [
            Forgery(
                "\(name), by the policy", "policy.\(what)",
                ask: { verifier in
                    var policy = Policy()
                    ask(&policy)
                    verifier.policy = policy
                }),
            Forgery("\(name), by the one who asks", "expected.\(what)", ask: { ask(&$0.expected) }),
        ]
    }

    /// What hardware has to say has one name, whoever asks.
    private static func hardware(
        _ name: String, _ what: String, _ ask: @escaping @Sendable (inout HardwarePolicy) -> Void
    ) -> [Forgery] {
        [
            Forgery(
                "\(name), by the policy", "policy.\(what)",
                ask: { verifier in
                    var policy = Policy()
                    ask(&policy.hardware)
                    verifier.policy = policy
                }),
            Forgery("\(name), by the one who asks", "policy.\(what)", ask: { ask(&$0.hardware) }),
        ]
    }

    private static let questions: [Forgery] =
        [
            asked("another builder", "builder") { $0.builders = [Statement.builderID(platform: "tdx")] },
            asked("another build type", "build_type") { $0.buildTypes = ["https://kettle.build/go/v1"] },
            asked("another repository", "source") { $0.sources = pattern("git+https://forge.example/tall") },
            asked("another host with the same beginning", "source") {
                $0.sources = pattern("git+https://forge.example.evil/*")
            },
            asked("an archive", "source") { $0.sources = pattern("archive:*") },
            asked("another ref", "ref") { $0.refs = RefPattern(text: "main").map { [$0] } },
            asked("another commit", "commit") { $0.commits = [String(repeating: "0", count: 40)] },
            asked("a younger build", "age") { $0.maximumAge = 90 },
            hardware("a measurement", "launch_digest") { $0.launchDigests = [[UInt8](repeating: 1, count: 48)] },
            hardware("a firmware", "min_tcb") { $0.minimumTCB = [.snp: 1] },
            hardware("a firmware's state", "min_tcb") { $0.tcbStatuses = [.upToDate] },
            hardware("a register", "pcrs") { $0.pcrs = [11: [[UInt8](repeating: 1, count: 32)]] },
            hardware("host data", "host_data") { $0.hostData = [[UInt8](repeating: 1, count: 32)] },
            asked("a package that is not there", "required") { $0.required = packages("pkg:cargo/ghost") },
            asked("another version of a package", "required") { $0.required = packages("pkg:cargo/serde@2.0.0") },
            asked("a package from elsewhere", "required") {
                $0.required = packages("pkg:cargo/serde?repository_url=https://x")
            },
            asked("without a package", "denied") { $0.denied = packages("pkg:cargo/serde") },
            asked("without a version of a package", "denied") { $0.denied = packages("pkg:cargo/serde@1.0.0") },
        ].flatMap { $0 } + [
            Forgery(
                "another nonce", "nonce.mismatch",
                ask: { $0.nonce = BuildNonce(text: "00112233445566778899aabbccddeeff") })
        ]

    private static func pattern(_ text: String) -> [SourcePattern] { SourcePattern(text: text).map { [$0] } ?? [] }

    private static func packages(_ text: String) -> [PackageURL] { PackageURL(parsing: text).map { [$0] } ?? [] }

    private static func replace(
        _ path: String, _ from: String, _ to: String, in contents: inout [String: [UInt8]]
    ) {
        let text = String(decoding: contents[path] ?? [], as: UTF8.self)
        contents[path] = Array(text.replacing(from, with: to, maxReplacements: 1).utf8)
    }
}

extension Forgery {
    fileprivate init(
        _ name: String, _ codes: [String], change: @escaping @Sendable (inout SampleBundle) -> Void
    ) {
        self.name = name
        self.codes = codes
        self.change = change
        spoil = { _ in }
        ask = { _ in }
    }
}
