public import KettleAttestation
public import KettleProvenance

/// Decides whether a bundle is to be accepted. Offline: it opens no socket and runs no program.
///
/// Every check runs, so that one reading shows every finding. Doubt is a no: what this version does not know is refused by
/// name, or, where it is a platform whose evidence it cannot verify yet, left undetermined, which is no acceptance either.
public struct BundleVerifier: Sendable {
    /// Fingerprints of the software keys whose word is taken. With none, no software evidence is accepted.
    public var softwareKeys: Set<ContentDigest>
    /// The nonce that must have been signed along; nil accepts any.
    public var nonce: BuildNonce?
    /// Single questions, beside those of a policy.
    public var expected = Policy()
    /// What the bundle has to be, besides.
    public var policy: Policy?
    /// Whether evidence of hardware is taken whatever image it measured. It says only that some machine of that kind signed.
    public var acceptsAnyMeasurement = false
    /// When the bundle is verified; nil leaves everything unasked that depends on it.
    public var time: Statement.Timestamp?

    public init(softwareKeys: Set<ContentDigest> = [], nonce: BuildNonce? = nil) {
        self.softwareKeys = softwareKeys
        self.nonce = nonce
    }

    /// Those named by the caller, and those of the policy.
    var trustedKeys: Set<ContentDigest> {
        softwareKeys.union(expected.softwareKeys).union(policy?.softwareKeys ?? [])
    }

    /// Reads the bundle at `path` and verifies it. Blocks until it is done.
    ///
    /// - Throws: ``BundleError/unreadable(reason:)`` when the file system does not hand the bundle out; nothing is known then.
    ///   A bundle that is itself at fault gets a verdict.
    public func verify(at path: String, limits: BundleLimits = .standard) throws(BundleError) -> Verdict {
        let bundle: UnverifiedBundle
        do {
            bundle = try UnverifiedBundle(at: path, limits: limits)
        } catch {
            guard error.isTheBundlesFault else { throw error }
            return Verdict(unread: error)
        }
        return verify(bundle)
    }

    /// Runs every check on a bundle.
    public func verify(_ bundle: UnverifiedBundle) -> Verdict {
        var findings: [Finding] = []
        let statementDigest = bundle.statement.map { ContentDigest(of: $0) }
        let received = ReceivedStatement.read(from: bundle, &findings)
        let evidence = ReceivedEvidence.read(from: bundle, &findings)

        let result = evidence.map { evidence in
            EvidenceChecks(evidence: evidence, statementDigest: statementDigest, verifier: self).run(&findings)
        }
        LayoutChecks(bundle: bundle, statement: received?.statement).run(&findings)
        if let received {
            StatementChecks(received: received, platform: evidence?.platform, verifier: self).run(&findings)
            ArtifactChecks(bundle: bundle, subjects: received.statement.subject).run(&findings)
            RecordChecks(bundle: bundle, statement: received.statement).run(&findings)
            checkPolicy(received.statement, evidence?.platform, &findings)
        }
        NonceChecks(
            signed: result?.signed?.nonce, recorded: received?.statement.externalParameters["nonce"],
            wanted: nonce, isStatementKnown: received != nil
        ).run(&findings)

        var candidate: VerifiedBundle?
        if let received, let statementDigest, let appraised = result?.appraised {
            candidate = VerifiedBundle(
                statement: received.statement, statementDigest: statementDigest, evidence: appraised)
        }
        let seen = Verdict.Seen(
            artifacts: bundle.names(in: "artifacts").compactMap { name in
                bundle.file("artifacts/\(name)").map { Statement.Subject(name: name, digest: $0.digest) }
            }, statementDigest: statementDigest, evidenceDigest: bundle.evidence.map { ContentDigest(of: $0) },
            source: received?.statement.externalParameters["source"])
        return Verdict(findings: findings, candidate: candidate, seen: seen)
    }

    private func checkPolicy(_ statement: Statement, _ platform: Platform?, _ findings: inout [Finding]) {
        let own = PolicyChecks(policy: expected, asker: .caller, statement: statement, platform: platform, time: time)
        own.run(&findings)
        if acceptsAnyMeasurement, platform == .software {
            findings.append(
                Finding(
                    .notChecked, "measurement.none", "any measurement would do, and software evidence has none",
                    actual: "none"))
        }
        guard let policy else {
            findings.append(Finding(.notChecked, "policy.none", "no policy was given"))
            return
        }
        PolicyChecks(policy: policy, asker: .policy, statement: statement, platform: platform, time: time)
            .run(&findings)
    }
}
