public import KettleAttestation
import KettleProvenance

/// What came of judging evidence that has no bundle around it.
public struct EvidenceVerdict: Sendable {
    public let outcome: Verdict.Outcome
    /// One entry for each check, in the order in which they ran.
    public let findings: [Finding]
}

extension BundleVerifier {
    /// Judges evidence that is of no build, such as a service's for its TLS key, as that of a bundle would be: whether it is
    /// genuine, of a builder, key and measurement that are wanted, and says of the hardware what is asked.
    ///
    /// What only a statement could answer is not asked: source, commit, build type, age, dependencies, nonce. The evidence is always
    /// judged at ``time``, since there is no build whose time could be taken.
    ///
    /// - Parameters:
    ///   - evidence: As it was received.
    ///   - reportData: What exactly must have been signed along.
    public func judge(_ evidence: Evidence, binding reportData: ReportData) -> EvidenceVerdict {
        var verifier = self
        verifier.judgesAtBuildTime = false
        var findings: [Finding] = []
        let result = EvidenceChecks(evidence: evidence, collateral: [:], claims: nil, verifier: verifier)
            .run(&findings)
        let isBound = Self.checkBinding(of: result, to: reportData, &findings)
        let builder = evidence.platform.builderID
        PolicyChecks.checkBuilder(builder, expected, .caller, &findings)
        if let policy { PolicyChecks.checkBuilder(builder, policy, .policy, &findings) }
        return EvidenceVerdict(
            outcome: Verdict.Outcome(of: findings, isVerified: result.isAccepted && isBound), findings: findings)
    }

    /// Whether genuine evidence signed exactly these report data; where it is not genuine, that is what was found already.
    private static func checkBinding(
        of result: EvidenceChecks.Result, to reportData: ReportData, _ findings: inout [Finding]
    ) -> Bool {
        guard let signed = result.signed else { return false }
        let wanted = reportData.bytes
        let isBound = result.hardware?.binds(wanted) ?? (signed == wanted)
        findings.append(
            Finding(
                isBound ? .passed : .failed, isBound ? "binding.report_data" : "binding.mismatch",
                isBound
                    ? "the evidence was made for the report data that were asked for"
                    : "the evidence was made for other report data",
                expected: wanted.hexadecimal, actual: signed.hexadecimal))
        return isBound
    }
}
