import KettleProvenance

/// What a software key signed, as it was received.
///
///     {"algorithm": "ecdsa-p256-sha256", "public_key": base64 of the DER SubjectPublicKeyInfo,
///      "signed_data": 96 hexadecimal digits, "signature": base64 of the DER signature over the 48 bytes}
public struct SoftwareEvidence: Sendable {
    /// The only algorithm there is.
    public static let algorithm = "ecdsa-p256-sha256"

    /// The key that the evidence brings along. Anyone can make one.
    public let publicKey: SoftwarePublicKey
    /// What it says was signed.
    public let reportData: ReportData
    private let signature: [UInt8]

    /// Reads the members of an envelope whose platform is `software`: exactly these four, each in its one spelling.
    ///
    /// - Throws: ``EvidenceError``.
    public init(_ evidence: Evidence) throws(EvidenceError) {
        guard evidence.platform == .software else {
            throw .format(reason: "the evidence is of \(evidence.platform.rawValue) and not of software")
        }
        let members = evidence.members
        try Evidence.require(
            members, toHaveExactly: ["algorithm", "public_key", "signature", "signed_data"], in: "the software evidence"
        )
        func text(_ name: String) throws(EvidenceError) -> String {
            guard let text = members[name]?.stringValue else {
                throw .format(reason: "the software evidence's \(name) is not a string")
            }
            return text
        }
        func decoded(_ name: String) throws(EvidenceError) -> [UInt8] {
            guard let bytes = Base64.decode(try text(name)) else {
                throw .format(reason: "the software evidence's \(name) is not canonical base64")
            }
            return bytes
        }
        let algorithm = try text("algorithm")
        guard algorithm == Self.algorithm else {
            throw EvidenceError(.algorithm, "the evidence is signed with the unknown algorithm \"\(algorithm)\"")
        }
        guard let publicKey = SoftwarePublicKey(der: try decoded("public_key")) else {
            throw EvidenceError(.softwareKey, "the evidence's public key is not a P-256 key in DER")
        }
        guard let signed = [UInt8](hexadecimal: try text("signed_data")), let reportData = ReportData(bytes: signed)
        else {
            throw .format(reason: "the software evidence's signed_data is not 96 lower-case hexadecimal digits")
        }
        self.publicKey = publicKey
        self.reportData = reportData
        signature = try decoded("signature")
    }

    /// Checks the signature.
    ///
    /// - Throws: ``EvidenceError``: `evidence.signature`.
    public func verified() throws(EvidenceError) -> VerifiedSoftwareEvidence {
        guard publicKey.isValid(signature: signature, over: reportData.bytes) else {
            throw EvidenceError(
                .softwareSignature, "the evidence's signature is not by its public key over its signed data")
        }
        return VerifiedSoftwareEvidence(publicKey: publicKey, reportData: reportData)
    }
}

/// Software evidence whose signature holds. Only ``SoftwareEvidence/verified()`` makes one.
///
/// The holder of ``publicKey`` signed ``reportData``, and that is all: whether that key means anything is for the one who
/// asks to say.
public struct VerifiedSoftwareEvidence: Sendable {
    public let publicKey: SoftwarePublicKey
    public let reportData: ReportData

    fileprivate init(publicKey: SoftwarePublicKey, reportData: ReportData) {
        self.publicKey = publicKey
        self.reportData = reportData
    }
}
