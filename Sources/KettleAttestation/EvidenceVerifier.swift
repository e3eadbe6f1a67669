public import KettleProvenance

/// Verifies evidence of trusted hardware: whether a genuine chip signed it, through the chip maker's certificates. Offline.
///
/// What the chip measured is for ``HardwarePolicy`` to appraise: without that, evidence shows only that some machine of its kind
/// signed.
public struct EvidenceVerifier: Sendable {
    /// Where trust begins.
    public var roots: TrustRoots
    /// What the chip makers publish to judge firmware and revocation by. Without it the verdict does not say; with it, it has to
    /// hold what the evidence's platform needs.
    public var collateral: Collateral?

    /// - Parameters:
    ///   - roots: Where trust begins.
    ///   - collateral: What the chip makers publish to judge firmware and revocation by.
    public init(roots: TrustRoots = .vendor, collateral: Collateral? = nil) {
        self.roots = roots
        self.collateral = collateral
    }

    /// Verifies evidence of any hardware.
    ///
    /// - Parameters:
    ///   - evidence: As it was received.
    ///   - time: When certificates and collateral have to be valid.
    /// - Throws: ``EvidenceError`` with the first reason not to believe it; `evidence.platform` for software evidence, which
    ///   ``SoftwareEvidence`` verifies.
    public func verify(
        _ evidence: Evidence, at time: Statement.Timestamp
    ) throws(EvidenceError) -> VerifiedHardwareEvidence {
        try requireCollateral(for: evidence.platform)
        let snp = SNPVerification(roots: roots, revocations: collateral?.amdRevocations, time: time)
        let tdx = TDXVerification(roots: roots, collateral: collateral?.tdx, time: time)
        switch evidence.platform {
        case .snp:
            let parts = try SNPEvidence(evidence)
            guard let endorsement = parts.endorsement ?? collateral?.endorsement else {
                throw EvidenceError(
                    .chainMissing, "there is no certificate of the key that signed, and none is fetched")
            }
            let report = try snp.verify(parts.report, endorsement: endorsement)
            return VerifiedHardwareEvidence(evidence, .snp(report), vtpm: nil)
        case .tdx:
            return VerifiedHardwareEvidence(evidence, .tdx(try tdx.verify(try TDXEvidence(evidence).quote)), vtpm: nil)
        case .azureSNP, .azureTDX:
            return try verifyAzure(evidence, snp, tdx)
        case .software:
            throw EvidenceError(.platform, "software evidence is not of hardware")
        }
    }

    /// Collateral that has nothing to say of this platform is not what the caller believes it is.
    private func requireCollateral(for platform: Platform) throws(EvidenceError) {
        guard let collateral else { return }
        switch platform {
        case .tdx, .azureTDX:
            guard collateral.tdx != nil else {
                throw EvidenceError(.collateralMissing, "the collateral holds nothing for TDX")
            }
        case .snp, .azureSNP:
            guard collateral.amdRevocations != nil || collateral.endorsement != nil else {
                throw EvidenceError(.collateralMissing, "the collateral holds nothing for SEV-SNP")
            }
        case .software: break
        }
    }

    /// Root, hardware report, runtime data, attestation key, TPM quote: each vouches for the next.
    private func verifyAzure(
        _ evidence: Evidence, _ snp: SNPVerification, _ tdx: TDXVerification
    ) throws(EvidenceError) -> VerifiedHardwareEvidence {
        let isSNP = evidence.platform == .azureSNP
        let parts = try AzureEvidence(evidence)
        let hcl = try HCLReport(parsing: parts.hclReport, kind: isSNP ? .snp : .tdx)
        let runtime = try HCLRuntimeData(parsing: hcl.runtimeData)
        let extraData = try parts.quote.verified(by: runtime.modulus)
        let hardware: VerifiedHardwareEvidence.Hardware
        let reportData: [UInt8]
        if isSNP {
            let report = try snp.verify(hcl.hardwareReport, endorsement: parts.endorsement)
            reportData = report.report.reportData
            hardware = .snp(report)
        } else {
            let quote = try tdx.verify(parts.endorsement)
            reportData = quote.quote.body.reportData
            // Only its own machine can check the MAC over a TDREPORT.
            guard hcl.hardwareReportData == reportData else {
                throw EvidenceError(.hclTDReport, "the quote is of another guest than the HCL report")
            }
            hardware = .tdx(quote)
        }
        guard reportData == hcl.reportData else {
            throw EvidenceError(
                .hclBinding, "the hardware does not vouch for the HCL report's runtime data",
                expected: hcl.reportData.hexadecimal, actual: reportData.hexadecimal)
        }
        return VerifiedHardwareEvidence(
            evidence, hardware,
            vtpm: VerifiedHardwareEvidence.VTPM(
                extraData: extraData, pcrs: parts.quote.pcrs, configuration: runtime.configuration,
                userData: runtime.userData))
    }
}

/// Evidence whose chain of signatures ends in a trusted root. Only ``EvidenceVerifier`` makes one.
public struct VerifiedHardwareEvidence: Sendable {
    enum Hardware: Sendable {
        case snp(VerifiedSNPReport)
        case tdx(VerifiedTDXQuote)
    }

    /// What Azure's vTPM said.
    struct VTPM: Sendable {
        let extraData: [UInt8]
        let pcrs: [[UInt8]]
        let configuration: JSONValue
        let userData: JSONValue
    }

    /// What it is of.
    public let platform: Platform
    /// The platform's name as the evidence gives it.
    public let platformName: String
    let hardware: Hardware
    let vtpm: VTPM?

    fileprivate init(_ evidence: Evidence, _ hardware: Hardware, vtpm: VTPM?) {
        platform = evidence.platform
        platformName = evidence.platformName
        self.hardware = hardware
        self.vtpm = vtpm
    }

    /// The report of SEV-SNP that was verified; nil for TDX.
    public var snpReport: SNPReport? {
        if case .snp(let verified) = hardware { verified.report } else { nil }
    }

    /// The quote of TDX that was verified; nil for SEV-SNP.
    public var tdxQuote: TDXQuote? {
        if case .tdx(let verified) = hardware { verified.quote } else { nil }
    }

    /// The security versions of SEV-SNP's firmware; nil for TDX.
    public var snpTCB: SNPTCB? {
        if case .snp(let verified) = hardware { verified.tcb } else { nil }
    }

    /// How up to date TDX's platform is; nil for SEV-SNP, and without collateral.
    public var tdxTCB: TDXPlatformTCB? {
        if case .tdx(let verified) = hardware { verified.tcb } else { nil }
    }

    /// The 48 bytes that the hardware measured of the image that was started. On Azure this is Microsoft's paravisor, and what
    /// runs above it shows in ``pcrs`` alone.
    public var launchDigest: [UInt8] {
        switch hardware {
        case .snp(let verified): verified.report.measurement
        case .tdx(let verified): verified.quote.body.mrTD
        }
    }

    /// The vTPM's 24 registers, 32 bytes each; nil where there is none.
    public var pcrs: [[UInt8]]? { vtpm?.pcrs }

    /// What was signed along: 64 bytes of report data, or the TPM quote's extraData.
    public var signedData: [UInt8] { vtpm?.extraData ?? reportData }

    var reportData: [UInt8] {
        switch hardware {
        case .snp(let verified): verified.report.reportData
        case .tdx(let verified): verified.quote.body.reportData
        }
    }

    /// The times at which this verdict holds.
    public var window: ValidityWindow {
        switch hardware {
        case .snp(let verified): verified.window
        case .tdx(let verified): verified.window
        }
    }

    /// The signatures that the verdict rests on.
    public var signatures: SignatureCount {
        var count: SignatureCount
        switch hardware {
        case .snp(let verified): count = verified.signatures
        case .tdx(let verified): count = verified.signatures
        }
        if vtpm != nil { count.add("rsa2048-pkcs1-sha256") }
        return count
    }

    /// Whether revocation lists were looked into.
    public var isRevocationChecked: Bool {
        switch hardware {
        case .snp(let verified): verified.isRevocationChecked
        case .tdx(let verified): verified.tcb != nil
        }
    }
}
