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
    /// The git commit that must have been built, 40 or 64 lower-case hexadecimal digits; nil accepts any source.
    public var commit: String?

    public init(softwareKeys: Set<ContentDigest> = [], nonce: BuildNonce? = nil, commit: String? = nil) {
        self.softwareKeys = softwareKeys
        self.nonce = nonce
        self.commit = commit
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
        return Verdict(findings: findings, candidate: candidate)
    }
}
