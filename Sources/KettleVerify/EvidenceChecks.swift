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
            findings.append(Finding(error))
            return nil
        }
    }
}

/// Whether the evidence is genuine, and of something that the caller takes for good. What it was made for is looked at elsewhere.
struct EvidenceChecks {
    let evidence: Evidence
    /// The files of the bundle's `collateral/`, by name.
    let collateral: [String: [UInt8]]
    /// What the statement says of itself; nil when it cannot be read, which is a finding of its own, and for evidence that has none.
    let claims: Claims?
    let verifier: BundleVerifier

    /// What came of the evidence.
    struct Result {
        /// What was signed along, by whomever; nil unless the signature is genuine.
        var signed: [UInt8]?
        var softwareKey: ContentDigest?
        var hardware: VerifiedHardwareEvidence?
        /// When the hardware's evidence was judged.
        var time: Statement.Timestamp?
        /// Whether the one who signed is one whose word the caller takes.
        var isAccepted = false
    }

    func run(_ findings: inout [Finding]) -> Result {
        guard evidence.platform == .software else {
            return HardwareChecks(evidence: evidence, files: collateral, claims: claims, verifier: verifier).run(
                &findings)
        }
        let verified: VerifiedSoftwareEvidence
        do {
            verified = try SoftwareEvidence(evidence).verified()
        } catch {
            findings.append(Finding(error))
            return Result()
        }
        findings.append(Finding(.passed, "evidence.signature", "the evidence's signature is genuine"))
        let isNamed = checkKey(verified, &findings)
        let measuresNothing = checkHardware(&findings)
        return Result(
            signed: verified.reportData.bytes, softwareKey: verified.publicKey.fingerprint,
            isAccepted: isNamed && measuresNothing)
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

    /// Software evidence comes from no measured image and no firmware. Doubt is a no.
    private func checkHardware(_ findings: inout [Finding]) -> Bool {
        var reasons: [Finding] = []
        for asked in [verifier.hardware, verifier.policy?.hardware].compactMap({ $0 }) {
            func refuse(_ reason: EvidenceError.Reason, _ message: String) {
                reasons.append(Finding(.failed, reason.rawValue, message, actual: "software evidence"))
            }
            if asked.launchDigests != nil { refuse(.launchDigest, "software evidence has no measurement") }
            if !asked.rtmrs.isEmpty { refuse(.rtmrs, "software evidence has no registers") }
            if !asked.pcrs.isEmpty { refuse(.pcrs, "software evidence has no registers") }
            if asked.hostData != nil { refuse(.hostData, "software evidence has no host data") }
            if !asked.minimumTCB.isEmpty || asked.tcbStatuses != nil {
                refuse(.minimumTCB, "software evidence says nothing of a firmware's version")
            }
        }
        if !verifier.references.isEmpty {
            reasons.append(
                Finding(
                    .failed, "measurement.unlisted", "software evidence has no measurement that could be in a list",
                    actual: "software evidence"))
        }
        if verifier.acceptsAnyMeasurement {
            findings.append(
                Finding(
                    .notChecked, "measurement.none", "any measurement would do, and software evidence has none",
                    actual: "none"))
        }
        for reason in reasons where !findings.contains(reason) { findings.append(reason) }
        return reasons.isEmpty
    }
}

/// Whether the evidence was made for this statement: SHA-256 of its file, a nonce, and zeros (`docs/formats.md`).
struct BindingChecks {
    /// Of the bytes of `provenance.json` as received; nil when there are none.
    let statementDigest: ContentDigest?
    /// What was signed along.
    let signed: [UInt8]

    /// The report data, when they are made as ours are; whether they are of this statement is a finding.
    func run(_ findings: inout [Finding]) -> ReportData? {
        let reportData = ReportData(bytes: Array(signed.prefix(ReportData.byteCount)))
        let isPadded = signed.dropFirst(ReportData.byteCount).allSatisfy { $0 == 0 }
        let isBound = reportData != nil && isPadded && reportData?.statement == statementDigest
        findings.append(
            Finding(
                isBound ? .passed : .failed, isBound ? "binding.statement" : "binding.mismatch",
                isBound ? "the evidence was made for this statement" : "the evidence was made for another statement",
                expected: statementDigest?.hex ?? "a statement",
                actual: isPadded ? reportData?.statement.hex ?? signed.hexadecimal : signed.hexadecimal))
        return isBound ? reportData : nil
    }
}
