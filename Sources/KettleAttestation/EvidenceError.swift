public import KettleError
import KettleProvenance

/// Why evidence is not genuine, or not what was asked for.
public struct EvidenceError: UserFacingError, Hashable {
    /// The stable name, as in `docs/verifying.md`.
    public let reason: Reason
    /// One lower-case sentence.
    public let message: String
    /// What would have been right, where two things were compared.
    public let expected: String?
    /// What was there instead.
    public let actual: String?

    package init(_ reason: Reason, _ message: String, expected: String? = nil, actual: String? = nil) {
        self.reason = reason
        self.message = message
        self.expected = expected
        self.actual = actual
    }

    public var code: String { reason.rawValue }
    public var hint: String? { nil }

    /// Whether time alone stands in the way: the evidence is of another one than it was verified at.
    public var isAboutTime: Bool { reason == .certificateTime || reason == .collateralExpired }

    static func format(reason: String) -> EvidenceError { EvidenceError(.format, reason) }

    static func notJSON(_ error: JSONError) -> EvidenceError {
        var reason = Reason.format
        if case .duplicateMember = error { reason = .duplicateMember }
        return EvidenceError(reason, "the evidence cannot be read: \(error.message)")
    }

    static func unknownPlatform(_ name: String) -> EvidenceError {
        EvidenceError(.platform, "the evidence names the unknown platform \"\(name)\"")
    }

    /// The names of all reasons.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        // The envelope.
        case format = "evidence.format"
        case duplicateMember = "json.duplicate"
        case platform = "evidence.platform"
        case version = "evidence.version"
        // Software.
        case algorithm = "evidence.algorithm"
        case softwareKey = "evidence.key"
        case softwareSignature = "evidence.signature"
        // Certificates.
        case chainMissing = "chain.missing"
        case chainRoot = "chain.root"
        case chainASK = "chain.ask"
        case chainVEK = "chain.vek"
        case chainProduct = "chain.product"
        case chainIntermediate = "chain.intermediate"
        case chainPCK = "chain.pck"
        case chainAuthority = "chain.ca"
        case certificateTime = "cert.time"
        case certificateRevoked = "cert.revoked"
        // SEV-SNP.
        case reportLength = "report.length"
        case reportVersion = "report.version"
        case reportAlgorithm = "report.sigalgo"
        case reportSigner = "report.signer"
        case reportProduct = "report.product"
        case reportSignature = "report.signature"
        case reportPolicy = "report.policy"
        case vekExtension = "vek.extension"
        case tcbMismatch = "tcb.mismatch"
        case hardwareID = "hwid.mismatch"
        // TDX.
        case quoteLength = "quote.length"
        case quoteVersion = "quote.version"
        case quoteKeyType = "quote.key_type"
        case quoteTEEType = "quote.tee_type"
        case quoteVendor = "quote.vendor"
        case quoteBodyType = "quote.body_type"
        case quoteCertificationType = "quote.cert_type"
        case quoteTrailing = "quote.trailing"
        case quoteSignature = "quote.signature"
        case enclaveSignature = "qe.signature"
        case enclaveBinding = "qe.binding"
        case enclaveIdentity = "qe.identity"
        case module = "tdx.module"
        // Collateral.
        case collateralMissing = "collateral.missing"
        case collateralCRL = "collateral.crl"
        case collateralExpired = "collateral.expired"
        case collateralIdentity = "collateral.qe_identity"
        case collateralTCBInfo = "collateral.tcb_info"
        case tcbUnsupported = "tcb.unsupported"
        case tcbRevoked = "tcb.revoked"
        case tcbStatus = "tcb.status"
        // Azure's vTPM.
        case hclFormat = "hcl.format"
        case hclReportType = "hcl.report_type"
        case hclHashType = "hcl.hash_type"
        case hclRuntimeData = "hcl.vardata"
        case hclBinding = "hcl.binding"
        case hclTDReport = "hcl.tdreport"
        case tpmFormat = "tpm.format"
        case tpmSignature = "tpm.signature"
        case tpmMagic = "tpm.magic"
        case tpmType = "tpm.type"
        case tpmSelection = "tpm.pcr_selection"
        case tpmPCRs = "tpm.pcrs"
        // What was asked for.
        case binding = "binding.mismatch"
        case launchDigest = "policy.launch_digest"
        case debug = "policy.debug"
        case attributes = "policy.attributes"
        case migration = "policy.migration"
        case multithreading = "policy.smt"
        case vmpl = "policy.vmpl"
        case minimumTCB = "policy.min_tcb"
        case hostData = "policy.host_data"
        case pcrs = "policy.pcrs"
        case rtmrs = "policy.rtmrs"
    }
}
