/// What hardware's evidence says of itself, believed by nobody: for drafts and for a person to look at.
public struct EvidenceClaims: Hashable, Sendable {
    /// The launch digest, 48 bytes.
    public let launchDigest: [UInt8]
    /// What was signed along.
    public let signedData: [UInt8]
    /// RTMR0 to RTMR3 of TDX; nil for SEV-SNP, and behind a vTPM.
    public let rtmrs: [[UInt8]]?
    /// A vTPM's registers; nil where there is none.
    public let pcrs: [[UInt8]]?

    /// Reads what evidence claims. Nil for software evidence, and for what is not of its platform's form.
    ///
    /// - Parameter evidence: As it was received.
    public init?(_ evidence: Evidence) {
        do {
            switch evidence.platform {
            case .snp:
                let report = try SNPReport(parsing: SNPEvidence(evidence).report)
                (launchDigest, signedData, rtmrs, pcrs) = (report.measurement, report.reportData, nil, nil)
            case .tdx:
                let body = try TDXQuote(parsing: TDXEvidence(evidence).quote).body
                (launchDigest, signedData, rtmrs, pcrs) = (body.mrTD, body.reportData, body.rtmr, nil)
            case .azureSNP:
                let parts = try AzureEvidence(evidence)
                let hcl = try HCLReport(parsing: parts.hclReport, kind: .snp)
                launchDigest = try SNPReport(parsing: hcl.hardwareReport).measurement
                (signedData, rtmrs, pcrs) = (try parts.quote.extraData(), nil, parts.quote.pcrs)
            case .azureTDX:
                let parts = try AzureEvidence(evidence)
                launchDigest = try TDXQuote(parsing: parts.endorsement).body.mrTD
                (signedData, rtmrs, pcrs) = (try parts.quote.extraData(), nil, parts.quote.pcrs)
            case .software: return nil
            }
        } catch {
            return nil
        }
    }
}
