public import KettleAttestation
public import KettleProvenance

/// Decides whether a bundle is to be accepted. Offline: it opens no socket and runs no program.
///
/// Every check runs, so that one reading shows every finding. Doubt is a no: what this version does not know is refused by
/// name, and what it could not find out is no acceptance either.
public struct BundleVerifier: Sendable {
    /// Fingerprints of the software keys whose word is taken. With none, no software evidence is accepted.
    public var softwareKeys: Set<ContentDigest>
    /// The nonce that must have been signed along; nil accepts any.
    public var nonce: BuildNonce?
    /// Single questions, beside those of a policy.
    public var expected = Policy()
    /// What the bundle has to be, besides.
    public var policy: Policy?
    /// What hardware's evidence has to say, beside what a policy asks.
    public var hardware = HardwarePolicy()
    /// The images that may have built; empty asks for none.
    public var references: [ReferenceValue] = []
    /// Whether evidence of hardware is taken whatever image it measured. It says only that some machine of that kind signed.
    public var acceptsAnyMeasurement = false
    /// Where trust in hardware begins.
    public var roots = TrustRoots.vendor
    /// What the chip makers publish, in place of what the bundle brings along.
    public var collateral: Collateral?
    /// Whether hardware's evidence is judged at the time that the statement gives for the build's end, in place of ``time``.
    public var judgesAtBuildTime = false
    /// Whether artifacts may be missing: the statement and the evidence are verified alone.
    public var leavesArtifactsOut = false
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
        let document = ReceivedStatement.document(in: bundle, &findings)
        if let document, OriginalStatement.isClaimed(by: document) {
            return OriginalChecks(bundle: bundle, json: document, verifier: self).verdict()
        }
        let statementDigest = bundle.statement.map { ContentDigest(of: $0) }
        let received = document.flatMap { ReceivedStatement.read($0, bundle.statement ?? [], &findings) }
        let evidence = ReceivedEvidence.read(from: bundle, &findings)

        let claims = (received?.statement).map(Claims.init)
        let result = evidence.map { evidence in
            EvidenceChecks(evidence: evidence, collateral: bundle.collateral, claims: claims, verifier: self)
                .run(&findings)
        }
        let signed = result?.signed.map { ReportData(bytes: Array($0.prefix(ReportData.byteCount))) } ?? nil
        let bound = result?.signed.flatMap {
            BindingChecks(statementDigest: statementDigest, signed: $0).run(&findings)
        }
        LayoutChecks(bundle: bundle, statement: received?.statement, platform: evidence?.platform).run(&findings)
        if let received {
            StatementChecks(received: received, platform: evidence?.platform, verifier: self).run(&findings)
            ArtifactChecks(
                bundle: bundle, subjects: received.statement.subject, isLeftOut: leavesArtifactsOut
            ).run(&findings)
            RecordChecks(bundle: bundle, statement: received.statement).run(&findings)
        }
        if let claims { checkPolicies(claims, &findings) }
        NonceChecks(
            signed: signed?.nonce, recorded: received?.statement.externalParameters["nonce"],
            wanted: nonce, isStatementKnown: received != nil
        ).run(&findings)

        var candidate: VerifiedBundle?
        if let received, let statementDigest, let result, result.isAccepted, let bound,
            let platform = evidence?.platform
        {
            candidate = VerifiedBundle(
                statement: received.statement, artifacts: received.statement.subject, provenance: received.json,
                statementDigest: statementDigest,
                platform: platform, nonce: bound.nonce, result)
        }
        let seen = Verdict.Seen(bundle, source: claims.map(\.source))
        return Verdict(findings: findings, candidate: candidate, seen: seen)
    }

    /// Whether the statement is what the caller and the policy want.
    func checkPolicies(_ claims: Claims, _ findings: inout [Finding]) {
        PolicyChecks(policy: expected, asker: .caller, claims: claims, time: time).run(&findings)
        guard let policy else {
            findings.append(Finding(.notChecked, "policy.none", "no policy was given"))
            return
        }
        PolicyChecks(policy: policy, asker: .policy, claims: claims, time: time).run(&findings)
    }
}
