public import KettleAttestation
public import KettleProvenance

/// What came of verifying a bundle.
public struct Verdict: Sendable {
    public enum Outcome: String, Hashable, Sendable {
        case accepted
        case rejected
        /// Nothing is wrong as far as this version of Kettle can see, but it cannot see all.
        case undetermined

        /// - Parameter isVerified: Whether everything was verified to the end. Where it was not and no finding says so, that is a
        ///   mistake of ours, which must not become an acceptance.
        init(of findings: [Finding], isVerified: Bool) {
            if findings.contains(where: { $0.status == .failed }) {
                self = .rejected
            } else if findings.contains(where: { $0.status == .undetermined }) {
                self = .undetermined
            } else {
                self = isVerified ? .accepted : .rejected
            }
        }
    }

    public let outcome: Outcome
    /// One entry for each check, in the order in which they ran.
    public let findings: [Finding]
    /// What was read of the bundle, believed or not; nil where nothing could be.
    public let seen: Seen?
    /// What may be relied on now; there exactly when the bundle was accepted.
    public let verified: VerifiedBundle?

    /// Accepts only what no finding speaks against and what was verified to the end.
    init(findings: [Finding], candidate: VerifiedBundle?, seen: Seen? = nil) {
        self.findings = findings
        self.seen = seen
        outcome = Outcome(of: findings, isVerified: candidate != nil)
        verified = outcome == .accepted ? candidate : nil
    }

    /// The verdict on a bundle that could not even be read: rejected where that ``BundleError/isTheBundlesFault``,
    /// undetermined otherwise.
    public init(unread error: BundleError) {
        let status: Finding.Status = error.isTheBundlesFault ? .failed : .undetermined
        self.init(findings: [Finding(status, error.code, error.message)], candidate: nil)
    }

    /// What the verdict is about.
    public struct Seen: Hashable, Sendable {
        /// The files below `artifacts/`, by what they are.
        public let artifacts: [Statement.Subject]
        /// SHA-256 of `provenance.json`.
        public let statementDigest: ContentDigest?
        /// SHA-256 of `evidence.json`.
        public let evidenceDigest: ContentDigest?
        /// What the statement names as its source.
        public let source: String?

        init(_ bundle: UnverifiedBundle, source: String?) {
            artifacts = bundle.names(in: "artifacts").compactMap { name in
                bundle.file("artifacts/\(name)").map { Statement.Subject(name: name, digest: $0.digest) }
            }
            statementDigest = bundle.statement.map { ContentDigest(of: $0) }
            evidenceDigest = bundle.evidence.map { ContentDigest(of: $0) }
            self.source = source
        }
    }

    /// The form of ``json``: `docs/schemas/verdict-v1.json`.
    public static let schema = "https://kettle.build/verdict/v1"

    /// The verdict as a JSON object: `schema`, `outcome`, `findings`, and what was verified where it was accepted.
    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "schema": .string(Self.schema), "outcome": .string(outcome.rawValue),
            "findings": .array(findings.map(\.json)),
        ]
        if let verified {
            members["platform"] = .string(verified.platform.rawValue)
            members["provenance_sha256"] = .string(verified.statementDigest.hex)
            members["software_key"] = verified.softwareKey.map { .string($0.hex) }
            members["evidence_time"] = verified.evidenceTime.map { .string($0.text) }
            members["evidence"] = verified.hardware?.facts
            if verified.nonce != .zero { members["nonce"] = .string(verified.nonce.hex) }
            members["provenance"] = verified.provenance
        }
        return .object(members)
    }
}

/// A bundle in which everything holds. Only ``BundleVerifier`` makes one.
public struct VerifiedBundle: Sendable {
    /// The claim that the evidence binds; nil for one of the original Kettle, which ``provenance`` has.
    public let statement: Statement?
    /// What was built, by name and digest. The files are those, unless they were left out.
    public let artifacts: [Statement.Subject]
    /// The claim as the document that it is.
    public let provenance: JSONValue
    /// SHA-256 of `provenance.json`.
    public let statementDigest: ContentDigest
    /// What vouches for it.
    public let platform: Platform
    /// The nonce that was signed along, `BuildNonce.zero` if none.
    public let nonce: BuildNonce
    /// The fingerprint of the key that signed, one that the caller named; nil where hardware did.
    public let softwareKey: ContentDigest?
    /// What the hardware says; nil where a software key signed.
    public let hardware: VerifiedHardwareEvidence?
    /// When the hardware's evidence was judged.
    public let evidenceTime: Statement.Timestamp?

    init(
        statement: Statement?, artifacts: [Statement.Subject], provenance: JSONValue, statementDigest: ContentDigest,
        platform: Platform,
        nonce: BuildNonce, _ result: EvidenceChecks.Result
    ) {
        self.statement = statement
        self.artifacts = artifacts
        self.provenance = provenance
        self.statementDigest = statementDigest
        self.platform = platform
        self.nonce = nonce
        softwareKey = result.softwareKey
        hardware = result.hardware
        evidenceTime = result.time
    }
}
