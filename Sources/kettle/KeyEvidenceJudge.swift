import KettleAttestation
import KettleClient
import KettleError
import KettleVerify

/// Decides whether evidence for a service's TLS key is enough to send it a source: by the same verifier that will judge its
/// bundle.
struct KeyEvidenceJudge {
    let verifier: BundleVerifier

    /// Tells every finding on standard error.
    ///
    /// - Throws: ``KeyEvidenceError`` or `ServiceError.evidenceUnbound` unless the evidence is genuine, signs `reportData` and is by
    ///   someone whose word is taken.
    func judge(_ evidence: Evidence, _ reportData: ReportData) throws {
        let verdict = verifier.judge(evidence, binding: reportData)
        for finding in verdict.findings { Terminal.warn(finding.text) }
        guard verdict.outcome != .accepted else { return }
        // Whatever else is wrong, evidence that is another key's or an older answer's is what someone in between would have.
        if verdict.findings.contains(where: { $0.code == EvidenceError.Reason.binding.rawValue }) {
            throw ServiceError.evidenceUnbound
        }
        throw KeyEvidenceError(verdict)
    }
}

/// Why evidence for a service's key is not enough: the first finding against it.
struct KeyEvidenceError: UserFacingError, Equatable {
    let code: String
    let message: String
    /// Whether it was refused; otherwise nothing was found out.
    let isRejection: Bool

    init(_ verdict: EvidenceVerdict) {
        isRejection = verdict.outcome == .rejected
        let status = isRejection ? Finding.Status.failed : .undetermined
        let reason = verdict.findings.first { $0.status == status }
        code = reason?.code ?? "evidence.refused"
        message = "the service's evidence is not enough: \(Finding.printable(reason?.message ?? "it was not verified"))"
    }

    var hint: String? { "nothing of the source was sent" }
}
