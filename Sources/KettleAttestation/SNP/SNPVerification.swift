internal import Crypto
package import KettleProvenance

/// A report of SEV-SNP that AMD's keys vouch for. Only this file makes one.
package struct VerifiedSNPReport: Sendable {
    let report: SNPReport
    let product: SNPProduct
    let window: ValidityWindow
    let signatures: SignatureCount
    let isRevocationChecked: Bool

    /// The firmware's versions that the report is signed for.
    var tcb: SNPTCB { report.reportedTCB(of: product) }

    fileprivate init(
        report: SNPReport, product: SNPProduct, window: ValidityWindow, signatures: SignatureCount,
        isRevocationChecked: Bool
    ) {
        self.report = report
        self.product = product
        self.window = window
        self.signatures = signatures
        self.isRevocationChecked = isRevocationChecked
    }
}

/// Verifies a report of SEV-SNP: root, intermediate, endorsement key, report.
package struct SNPVerification {
    let roots: TrustRoots
    /// AMD's revocation list, where there is one.
    let revocations: [UInt8]?
    let time: Statement.Timestamp

    package init(roots: TrustRoots, revocations: [UInt8]?, time: Statement.Timestamp) {
        self.roots = roots
        self.revocations = revocations
        self.time = time
    }

    /// - Parameters:
    ///   - bytes: The report.
    ///   - endorsement: The certificate of the VCEK or VLEK, in DER.
    package func verify(_ bytes: [UInt8], endorsement: [UInt8]) throws(EvidenceError) -> VerifiedSNPReport {
        let report = try SNPReport(parsing: bytes)
        let key = report.signingKey
        let product = try product(of: report, endorsement)
        let ark = try roots.ark(of: product)
        let intermediate = try roots.intermediate(of: product, for: key)
        let certificate = try certificate(endorsement, key, product, issuedBy: intermediate)
        var window = ValidityWindow.always
        for one in [ark, intermediate, certificate] {
            guard one.validity.contains(time) else { throw .expired(one, at: time) }
            window.narrow(to: one.validity)
        }
        var signatures = SignatureCount()
        signatures.add(SignatureAlgorithm.rsaPSS.name, 3)
        if let revocations {
            let list = try check(revocations, intermediate, ark: ark)
            window.narrow(to: list.validity)
            signatures.add(list.signatureName)
        }
        try checkSignature(of: report, by: certificate)
        signatures.add("ecdsa-secp384r1")
        try check(report, against: certificate, product)
        guard report.policy.hasReservedBit else {
            throw EvidenceError(.reportPolicy, "bit 17 of the guest's policy, which is reserved and one, is zero")
        }
        return VerifiedSNPReport(
            report: report, product: product, window: window, signatures: signatures,
            isRevocationChecked: revocations != nil)
    }

    /// Version 2 does not name the processor. The certificate's issuer then only selects which pinned issuer is tried.
    private func product(of report: SNPReport, _ endorsement: [UInt8]) throws(EvidenceError) -> SNPProduct {
        if let cpuid = report.cpuid {
            guard let product = report.product else {
                throw EvidenceError(
                    .reportProduct, "the report is of an unknown processor", expected: "Milan, Genoa or Turin",
                    actual: "family \(cpuid[0]), model \(cpuid[1])")
            }
            return product
        }
        guard let certificate = try? Certificate(parsing: endorsement) else {
            throw EvidenceError(.chainVEK, "the \(report.signingKey.rawValue)'s certificate cannot be read")
        }
        for product in SNPProduct.allCases {
            guard let authority = try? roots.intermediate(of: product, for: report.signingKey) else { continue }
            if authority.subject == certificate.issuer { return product }
        }
        throw EvidenceError(.chainVEK, "the \(report.signingKey.rawValue)'s issuer is not trusted")
    }

    private func certificate(
        _ bytes: [UInt8], _ key: SNPSigningKey, _ product: SNPProduct, issuedBy intermediate: Certificate
    ) throws(EvidenceError) -> Certificate {
        guard let certificate = roots.checked.certificate(bytes, issuedBy: intermediate) else {
            throw EvidenceError(
                .chainVEK,
                "the \(key.rawValue)'s certificate is not issued by the trusted authority for \(product.rawValue)")
        }
        // The report says which kind of key signed it. A VLEK under a VCEK's authority, or the other way round, would skip the
        // check of the chip.
        guard certificate.commonName == key.commonName else {
            throw EvidenceError(
                .chainVEK, "the certificate is not of a \(key.rawValue), which the report says signed it",
                expected: key.commonName, actual: certificate.commonName)
        }
        guard !certificate.isAuthority, case .p384 = certificate.publicKey else {
            throw EvidenceError(
                .chainVEK, "the \(key.rawValue)'s certificate is not one of a P-384 key that signs reports")
        }
        return certificate
    }

    private func check(
        _ bytes: [UInt8], _ intermediate: Certificate, ark: Certificate
    ) throws(EvidenceError) -> RevocationList {
        guard let list = try? RevocationList(parsing: bytes), list.isIssued(by: ark) else {
            throw EvidenceError(.collateralCRL, "AMD's revocation list is not the ARK's")
        }
        guard list.validity.contains(time) else { throw .stale("AMD's revocation list", list.validity, at: time) }
        // Serial numbers of VCEKs are all zero, so a list can name only the authorities above them.
        guard !list.revoked.contains(intermediate.serialNumber) else {
            throw EvidenceError(.certificateRevoked, "\(intermediate.commonName) is revoked")
        }
        return list
    }

    private func checkSignature(of report: SNPReport, by certificate: Certificate) throws(EvidenceError) {
        guard case .p384(let key) = certificate.publicKey, let bytes = report.signature,
            let signature = try? P384.Signing.ECDSASignature(rawRepresentation: bytes),
            key.isValidSignature(signature, for: report.signed)
        else { throw EvidenceError(.reportSignature, "the report's signature is not by its endorsement key") }
    }

    private func check(
        _ report: SNPReport, against certificate: Certificate, _ product: SNPProduct
    ) throws(EvidenceError) {
        let endorsement = try SNPEndorsement(certificate, product: product, key: report.signingKey)
        guard product.certifiedNames.contains(endorsement.productName) else {
            throw EvidenceError(
                .chainProduct, "the certificate is of another product", expected: product.authorityName,
                actual: endorsement.productName)
        }
        let reported = report.reportedTCB(of: product)
        guard reported == endorsement.tcb else {
            throw EvidenceError(
                .tcbMismatch, "the certificate is for other firmware than the report names",
                expected: endorsement.tcb.text, actual: reported.text)
        }
        guard let id = endorsement.hardwareID else { return }
        // A chip id of zeros is a hidden one, and matches nothing.
        guard id + Array(repeating: 0, count: report.chipID.count - id.count) == report.chipID,
            id.contains(where: { $0 != 0 })
        else {
            throw EvidenceError(
                .hardwareID, "the certificate is of another chip", expected: id.hexadecimal,
                actual: report.chipID.hexadecimal)
        }
    }
}

extension EvidenceError {
    static func expired(_ certificate: Certificate, at time: Statement.Timestamp) -> EvidenceError {
        EvidenceError(
            .certificateTime, "the certificate of \(certificate.commonName) is not valid at \(time)",
            expected: "from \(certificate.validity.first) to \(certificate.validity.last)", actual: time.text)
    }

    static func stale(_ name: String, _ window: ValidityWindow, at time: Statement.Timestamp) -> EvidenceError {
        EvidenceError(
            .collateralExpired, "\(name) is not valid at \(time)", expected: "from \(window.first) to \(window.last)",
            actual: time.text)
    }
}
