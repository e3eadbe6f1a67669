import KettleAttestation
import KettleProvenance
import KettleVerify

/// A small bundle in which everything holds, and ways to spoil it.
struct SampleBundle {
    static let program = Array("the program".utf8)
    static let log = Array("Compiling tally\n".utf8)
    static let lockfile = Array("version = 4\n".utf8)
    static let commit = String(repeating: "c0", count: 20)

    var key = SoftwareKey()
    var statement = SampleBundle.statement
    var nonce = BuildNonce.zero
    var platform = "software"
    /// What the statement's bytes are, where they are not the statement's own.
    var statementBytes: [UInt8]?
    var files: [String: [UInt8]] = [
        "artifacts/tally": SampleBundle.program, "build-config/Cargo.lock": SampleBundle.lockfile,
        "build.log": SampleBundle.log, SoftwareBillOfMaterials.fileName: SampleBundle.bill,
    ]

    static let bill = Array("{\"bomFormat\":\"CycloneDX\"}".utf8)

    static let statement: Statement = {
        var statement = plainStatement
        statement.byproducts.append(SoftwareBillOfMaterials.byproduct(bill))
        return statement
    }()

    private static let plainStatement = Statement(
        subject: [Statement.Subject(name: "tally", digest: ContentDigest(of: program))],
        buildType: Statement.buildType(toolchain: "cargo"),
        externalParameters: ["source": "git+https://forge.example/tally"],
        internalParameters: ["kettle": ["version": "0.1.0"]],
        resolvedDependencies: [
            ResourceDescriptor(
                uri: "git+https://forge.example/tally",
                digest: ["gitCommit": commit, "gitTree": String(repeating: "7e", count: 20)]),
            ResourceDescriptor(name: "Cargo.lock", sha256: ContentDigest(of: lockfile)),
            ResourceDescriptor(
                uri: PackageURL.cargo(name: "anyhow", version: "1.0.0"), sha256: ContentDigest(of: "anyhow".utf8)),
            ResourceDescriptor(
                uri: PackageURL.cargo(name: "serde", version: "1.0.0"), sha256: ContentDigest(of: "serde".utf8)),
            ResourceDescriptor(name: "rustc", sha256: ContentDigest(of: "rustc".utf8)),
        ],
        builderID: Statement.builderID(platform: "software"), invocationID: "0123456789abcdef01234567",
        startedOn: Statement.Timestamp(secondsSince1970: 1_795_000_000),
        finishedOn: Statement.Timestamp(secondsSince1970: 1_795_000_009), buildLog: ContentDigest(of: log))

    /// All files of the bundle, with evidence that is genuine for the statement's bytes, whatever they are.
    func contents() async throws -> [String: [UInt8]] {
        var files = files
        let bytes = statementBytes ?? statement.encoded()
        files["provenance.json"] = bytes
        let reportData = ReportData(statement: ContentDigest(of: bytes), nonce: nonce)
        files["evidence.json"] = try await SoftwareAttester(key: key).evidence(for: reportData)
        return files
    }

    /// A verifier that takes the word of the bundle's key.
    var verifier: BundleVerifier { BundleVerifier(softwareKeys: [key.fingerprint]) }

    func verdict(_ spoil: (inout [String: [UInt8]]) -> Void = { _ in }) async throws -> Verdict {
        var files = try await contents()
        spoil(&files)
        return verifier.verify(try UnverifiedBundle(contents: files))
    }
}

extension SampleBundle {
    /// The bundle with a changed statement, signed as it is now by the key that the verifier trusts.
    static func with(_ change: (inout Statement) -> Void) -> SampleBundle {
        var sample = SampleBundle()
        change(&sample.statement)
        return sample
    }

    /// The same with changed inputs and the Merkle root that belongs to them.
    static func withInputs(_ change: (inout [ResourceDescriptor]) -> Void) -> SampleBundle {
        with { statement in
            change(&statement.resolvedDependencies)
            statement.byproducts[0] = ResourceDescriptor(
                name: Statement.inputMerkleRootName,
                sha256: Statement.inputMerkleRoot(of: statement.resolvedDependencies.map(\.json)))
        }
    }
}

extension Verdict {
    /// The codes of the findings that speak against the bundle.
    var failures: [String] { findings.filter { $0.status == .failed }.map(\.code) }
}
