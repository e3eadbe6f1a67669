internal import Crypto
package import KettleProvenance

/// A quote of TDX that Intel's keys vouch for. Only this file makes one.
package struct VerifiedTDXQuote: Sendable {
    let quote: TDXQuote
    let chain: PCKChain
    let window: ValidityWindow
    let signatures: SignatureCount
    /// Nil where there was no collateral to judge the platform's firmware by.
    let tcb: TDXPlatformTCB?

    fileprivate init(
        quote: TDXQuote, chain: PCKChain, window: ValidityWindow, signatures: SignatureCount, tcb: TDXPlatformTCB?
    ) {
        self.quote = quote
        self.chain = chain
        self.window = window
        self.signatures = signatures
        self.tcb = tcb
    }
}

/// How up to date the platform of a quote is.
public struct TDXPlatformTCB: Hashable, Sendable {
    /// All together.
    public let status: TCBStatus
    /// The platform's firmware, the TDX module, the quoting enclave.
    public let platform: TCBStatus
    public let module: TCBStatus
    public let enclave: TCBStatus
    /// The date of the platform's level, RFC 3339.
    public let date: String
    /// Intel's advisories that concern it, sorted.
    public let advisories: [String]
    /// Which parts lie how far behind the newest level, for a person; empty where none does.
    public let shortfall: String
}

/// Verifies a quote: root, PCK, quoting enclave, attestation key, quote; and the platform's firmware where there is collateral.
package struct TDXVerification {
    let roots: TrustRoots
    let collateral: TDXCollateral?
    let time: Statement.Timestamp

    package init(roots: TrustRoots, collateral: TDXCollateral?, time: Statement.Timestamp) {
        self.roots = roots
        self.collateral = collateral
        self.time = time
    }

    package func verify(_ bytes: [UInt8]) throws(EvidenceError) -> VerifiedTDXQuote {
        let quote = try TDXQuote(parsing: bytes)
        let chain = try PCKChain(quote.certificates, roots: roots, at: time)
        var window = chain.window
        var signatures = SignatureCount()
        let name = SignatureAlgorithm.ecdsaSHA256.name
        signatures.add(name, 3)
        try checkSignatures(of: quote, chain)
        signatures.add(name, 2)
        guard let collateral else {
            try QEIdentity.pinned.check(quote.enclave)
            try checkModule(quote.body)
            return VerifiedTDXQuote(quote: quote, chain: chain, window: window, signatures: signatures, tcb: nil)
        }
        let (tcb, times) = try appraise(quote, chain, collateral)
        window.narrow(to: times)
        signatures.add(name, 6)
        return VerifiedTDXQuote(quote: quote, chain: chain, window: window, signatures: signatures, tcb: tcb)
    }

    private func checkSignatures(of quote: TDXQuote, _ chain: PCKChain) throws(EvidenceError) {
        guard case .p256(let platformKey) = chain.leaf.publicKey,
            Self.isValid(quote.enclaveSignature, by: platformKey, over: quote.enclave.bytes)
        else {
            throw EvidenceError(.enclaveSignature, "the quoting enclave's report is not signed by the platform's key")
        }
        let bound = SHA256.hash(data: quote.attestationKey + quote.authenticationData)
        guard quote.enclave.reportData == Array(bound) + Array(repeating: 0, count: 32) else {
            throw EvidenceError(.enclaveBinding, "the quoting enclave does not vouch for the attestation key")
        }
        guard let key = try? P256.Signing.PublicKey(rawRepresentation: quote.attestationKey),
            Self.isValid(quote.signature, by: key, over: quote.signed)
        else { throw EvidenceError(.quoteSignature, "the quote is not signed by its attestation key") }
    }

    private static func isValid(_ bytes: [UInt8], by key: P256.Signing.PublicKey, over message: [UInt8]) -> Bool {
        guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: bytes) else { return false }
        return key.isValidSignature(signature, for: message)
    }

    /// Intel's modules have a signer of zeros. What else runs there could say anything of a guest.
    private func checkModule(_ body: TDXReportBody) throws(EvidenceError) {
        guard (body.mrSignerSEAM + body.seamAttributes).allSatisfy({ $0 == 0 }) else {
            throw EvidenceError(
                .module, "the TDX module is not Intel's", expected: "a signer and attributes of zeros",
                actual: "\(body.mrSignerSEAM.hexadecimal) \(body.seamAttributes.hexadecimal)")
        }
    }

    // MARK: - Collateral

    private func appraise(
        _ quote: TDXQuote, _ chain: PCKChain, _ collateral: TDXCollateral
    ) throws(EvidenceError) -> (TDXPlatformTCB, ValidityWindow) {
        let rootList = try revocations(collateral.rootRevocations, "the root's revocation list", chain.root)
        let platformList = try revocations(
            collateral.platformRevocations, "the PCK revocation list", chain.intermediate)
        let info = try SignedCollateral(
            collateral.tcbInfo, member: "tcbInfo", chain: collateral.tcbChain, reason: .collateralTCBInfo, roots: roots,
            at: time)
        let identity = try SignedCollateral(
            collateral.enclaveIdentity, member: "enclaveIdentity", chain: collateral.enclaveChain,
            reason: .collateralIdentity, roots: roots, at: time)
        for certificate in [chain.intermediate, info.signer, identity.signer]
        where rootList.revoked.contains(certificate.serialNumber) { throw .revoked(certificate) }
        guard !platformList.revoked.contains(chain.leaf.serialNumber) else { throw .revoked(chain.leaf) }

        let enclave = try Self.reading(identity, .collateralIdentity, QEIdentity.init)
        let tcbInfo = try Self.reading(info, .collateralTCBInfo, TCBInfo.init)
        try enclave.check(quote.enclave)
        guard tcbInfo.fmspc == chain.platform.fmspc, tcbInfo.pceID == chain.platform.pceID else {
            throw EvidenceError(
                .collateralTCBInfo, "the TCB info is of another platform family",
                expected: "\(chain.platform.fmspc.hexadecimal) \(chain.platform.pceID.hexadecimal)",
                actual: "\(tcbInfo.fmspc.hexadecimal) \(tcbInfo.pceID.hexadecimal)")
        }
        let moduleLevel = try tcbInfo.moduleLevel(of: quote.body)
        let enclaveLevel = try enclave.level(of: quote.enclave)
        let platformLevel = try tcbInfo.platformLevel(of: chain.platform, quote.body)
        let moduleStatus = moduleLevel?.status ?? .upToDate
        let status = platformLevel.status.converged(with: moduleStatus).converged(with: enclaveLevel.status)
        guard status != .revoked else { throw EvidenceError(.tcbRevoked, "the platform's firmware is revoked") }
        var window = rootList.validity
        for other in [platformList.validity, info.window, identity.window] { window.narrow(to: other) }
        let advisories = platformLevel.advisories + (moduleLevel?.advisories ?? []) + enclaveLevel.advisories
        let tcb = TDXPlatformTCB(
            status: status, platform: platformLevel.status, module: moduleStatus, enclave: enclaveLevel.status,
            date: platformLevel.date, advisories: Set(advisories).sorted(),
            shortfall: tcbInfo.shortfall(chain.platform, quote.body))
        return (tcb, window)
    }

    private func revocations(
        _ bytes: [UInt8], _ name: String, _ issuer: Certificate
    ) throws(EvidenceError) -> RevocationList {
        guard let list = try? RevocationList(parsing: bytes), list.isIssued(by: issuer) else {
            throw EvidenceError(.collateralCRL, "\(name) is not by \(issuer.commonName)")
        }
        guard list.validity.contains(time) else { throw .stale(name, list.validity, at: time) }
        return list
    }

    private static func reading<Content>(
        _ document: SignedCollateral, _ reason: EvidenceError.Reason, _ read: ([String: JSONValue]) throws -> Content
    ) throws(EvidenceError) -> Content {
        do {
            return try read(document.content)
        } catch let error as EvidenceError {
            throw error
        } catch let fault as CollateralFault {
            throw EvidenceError(reason, "the collateral's \(fault.member) is missing, malformed or of another kind")
        } catch {
            throw EvidenceError(reason, "the collateral cannot be read")
        }
    }
}

extension EvidenceError {
    fileprivate static func revoked(_ certificate: Certificate) -> EvidenceError {
        EvidenceError(.certificateRevoked, "the certificate of \(certificate.commonName) is revoked")
    }
}
