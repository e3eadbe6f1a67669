import KettleAttestation
import KettleProvenance

/// `evidence.json` as it was received.
enum ReceivedEvidence {
    /// Reads the envelope; nil when it is none.
    static func read(from bundle: UnverifiedBundle, _ findings: inout [Finding]) -> Evidence? {
        guard let bytes = bundle.evidence else {
            findings.append(Finding(.failed, "evidence.missing", "there is no evidence.json"))
            return nil
        }
        do {
            return try Evidence(parsing: bytes)
        } catch {
            findings.append(Finding(.failed, error.code, error.message))
            return nil
        }
    }
}

/// Evidence that is genuine, binds the statement, and is by someone whose word the caller takes.
struct AppraisedEvidence {
    let platform: Platform
    let reportData: ReportData
    let softwareKey: ContentDigest
}

/// Whether the evidence is genuine, whether it was made for this statement, and whether its maker was named.
struct EvidenceChecks {
    let evidence: Evidence
    /// Of the bytes of `provenance.json` as received; nil when there are none.
    let statementDigest: ContentDigest?
    let verifier: BundleVerifier

    /// What came of the evidence.
    struct Result {
        /// What was signed, by whomever; nil unless the signature is genuine.
        var signed: ReportData?
        /// There when all checks held.
        var appraised: AppraisedEvidence?
    }

    func run(_ findings: inout [Finding]) -> Result {
        guard evidence.platform == .software else {
            findings.append(
                Finding(
                    .undetermined, "evidence.unsupported",
                    "evidence of \(evidence.platform.rawValue) cannot be verified by this version of Kettle",
                    expected: "software", actual: evidence.platform.rawValue))
            return Result()
        }
        let verified: VerifiedSoftwareEvidence
        do {
            verified = try SoftwareEvidence(evidence).verified()
        } catch {
            findings.append(Finding(.failed, error.code, error.message))
            return Result()
        }
        findings.append(Finding(.passed, "evidence.signature", "the evidence's signature is genuine"))
        let isBound = checkBinding(verified, &findings)
        let isNamed = checkKey(verified, &findings)
        var result = Result(signed: verified.reportData)
        if isBound && isNamed {
            result.appraised = AppraisedEvidence(
                platform: .software, reportData: verified.reportData, softwareKey: verified.publicKey.fingerprint)
        }
        return result
    }

    private func checkBinding(_ verified: VerifiedSoftwareEvidence, _ findings: inout [Finding]) -> Bool {
        let signed = verified.reportData.statement
        let isBound = signed == statementDigest
        findings.append(
            Finding(
                isBound ? .passed : .failed, isBound ? "binding.statement" : "binding.mismatch",
                isBound ? "the evidence was made for this statement" : "the evidence was made for another statement",
                expected: statementDigest?.hex ?? "a statement", actual: signed.hex))
        return isBound
    }

    private func checkKey(_ verified: VerifiedSoftwareEvidence, _ findings: inout [Finding]) -> Bool {
        let fingerprint = verified.publicKey.fingerprint
        let isNamed = verifier.trustedKeys.contains(fingerprint)
        let named = verifier.trustedKeys.map(\.hex).sorted().joined(separator: ", ")
        findings.append(
            Finding(
                isNamed ? .passed : .failed, isNamed ? "software_key.named" : "software_key.unnamed",
                isNamed
                    ? "the software key \(fingerprint) signed it, which you named"
                    : "a software key signed it that you did not name; --software-key names one that you trust",
                expected: named.isEmpty ? "no software key was named" : named, actual: fingerprint.hex))
        return isNamed
    }
}
