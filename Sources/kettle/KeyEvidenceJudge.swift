import KettleAttestation
import KettleClient
import KettleError
import KettleProvenance
import KettleVerify

/// Decides whether evidence for a service's TLS key is enough to send it a source: by the same keys and builders as those
/// by which its bundle will be verified.
struct KeyEvidenceJudge {
    private let softwareKeys: Set<ContentDigest>
    private let builders: [[String]]

    init(_ verifier: BundleVerifier) {
        softwareKeys = verifier.softwareKeys.union(verifier.expected.softwareKeys)
            .union(verifier.policy?.softwareKeys ?? [])
        builders = [verifier.expected.builders, verifier.policy?.builders].compactMap { $0 }
    }

    /// - Throws: ``KeyEvidenceError``, `EvidenceError` or `ServiceError.evidenceUnbound` unless the evidence is genuine, signs
    ///   `reportData` and is by someone who was named.
    func judge(_ evidence: Evidence, _ reportData: ReportData) throws {
        let builder = evidence.platform.builderID
        guard builders.allSatisfy({ $0.contains(builder) }) else { throw KeyEvidenceError.otherBuilder(builder) }
        guard evidence.platform == .software else { throw KeyEvidenceError.unsupported(evidence.platform) }
        let verified = try SoftwareEvidence(evidence).verified()
        guard verified.reportData == reportData else { throw ServiceError.evidenceUnbound }
        let fingerprint = verified.publicKey.fingerprint
        guard softwareKeys.contains(fingerprint) else { throw KeyEvidenceError.unnamed(fingerprint) }
    }
}

/// Why evidence for a service's key is not enough.
enum KeyEvidenceError: UserFacingError, Equatable {
    case unnamed(ContentDigest)
    case otherBuilder(String)
    case unsupported(Platform)

    /// Evidence that this version cannot verify says nothing either way.
    var isRejection: Bool {
        if case .unsupported = self { false } else { true }
    }

    var code: String {
        switch self {
        case .unnamed: "software_key.unnamed"
        case .otherBuilder: "policy.builder"
        case .unsupported: "evidence.unsupported"
        }
    }

    var message: String {
        switch self {
        case .unnamed(let key): "the service's evidence is by the software key \(key), which you did not name"
        case .otherBuilder(let builder): "the service is \(builder), which is not among the builders that you accept"
        case .unsupported(let platform):
            "evidence of \(platform.rawValue) cannot be verified by this version of Kettle"
        }
    }

    var hint: String? {
        switch self {
        case .unnamed: "--software-key names one that you trust; nothing of the source was sent"
        case .otherBuilder, .unsupported: "nothing of the source was sent"
        }
    }
}
