public import KettleProvenance

/// A verdict as other tools of the supply chain read it: an in-toto statement with the SLSA Verification Summary v1 predicate
/// (https://slsa.dev/spec/v1.0/verification_summary).
///
/// It is not signed: it says what was found here, to whoever trusts this machine.
public struct VerificationSummary: Sendable {
    public static let predicateType = "https://slsa.dev/verification_summary/v1"
    /// `verifier.id`.
    public static let verifierID = "https://kettle.build/verifier/v1"

    private let verdict: Verdict
    private let seen: Verdict.Seen
    private let time: Statement.Timestamp
    private let policy: ResourceDescriptor

    /// - Parameters:
    ///   - verdict: What is summed up.
    ///   - time: When the bundle was verified.
    ///   - policy: What was asked: the policy file, or what stands for the questions.
    /// - Returns: nil where nothing was found out, and for a bundle without artifacts: there is nothing to sum up.
    public init?(
        of verdict: Verdict, at time: Statement.Timestamp, policy: ResourceDescriptor
    ) {
        guard verdict.outcome != .undetermined, let seen = verdict.seen, !seen.artifacts.isEmpty else { return nil }
        self.verdict = verdict
        self.seen = seen
        self.time = time
        self.policy = policy
    }

    /// The summary's bytes: RFC 8785 canonical JSON.
    public func encoded() -> [UInt8] { json.canonicalBytes() }

    /// The summary as a JSON object.
    public var json: JSONValue {
        let isAccepted = verdict.outcome == .accepted
        var attestations: [JSONValue] = []
        for (name, digest) in [
            (UnverifiedBundle.statementPath, seen.statementDigest),
            (UnverifiedBundle.evidencePath, seen.evidenceDigest),
        ] {
            guard let digest else { continue }
            attestations.append(["uri": .string(name), "digest": ["sha256": .string(digest.hex)]])
        }
        return [
            "_type": .string(Statement.type),
            "subject": .array(
                seen.artifacts.map { ["name": .string($0.name), "digest": ["sha256": .string($0.digest.hex)]] }),
            "predicateType": .string(Self.predicateType),
            "predicate": [
                // Readers that know the predicate by in-toto's definition refuse a verifier with more than an id.
                "verifier": ["id": .string(Self.verifierID)],
                "timeVerified": .string(time.text), "resourceUri": .string(seen.source ?? "unknown:"),
                "policy": policy.json, "inputAttestations": .array(attestations),
                "verificationResult": isAccepted ? "PASSED" : "FAILED",
                // "The highest level of each track verified […], or FAILED". A software key shows that there is provenance
                // and who made it, and nothing of how its builder is kept apart from the build: level 1.
                "verifiedLevels": [isAccepted ? "SLSA_BUILD_LEVEL_1" : "FAILED"], "slsaVersion": "1.0",
            ],
        ]
    }
}
