import KettleAttestation
import KettleProvenance

/// What a service answers to `GET /attestation`, as it was received.
///
///     {"tls_public_key": base64 of the DER SubjectPublicKeyInfo, "nonce": 32 hexadecimal digits, "evidence": {…}}
struct AttestationAnswer {
    /// The longest answer: evidence, and a little around it.
    static let limitInBytes = Evidence.limitInBytes + 64 << 10

    let key: [UInt8]
    let nonce: BuildNonce
    let evidence: Evidence

    /// Reads an answer: exactly these three members, each in its one spelling.
    ///
    /// - Throws: ``ServiceError/answer(_:)``, and what the evidence's own reader throws.
    init(parsing bytes: [UInt8]) throws {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes, maximumBytes: Self.limitInBytes)
        } catch {
            throw ServiceError.answer(error.message)
        }
        guard let members = json.objectValue, Set(members.keys) == ["tls_public_key", "nonce", "evidence"] else {
            throw ServiceError.answer("an attestation has the members evidence, nonce and tls_public_key")
        }
        guard let key = members["tls_public_key"]?.stringValue.flatMap(Base64.decode), !key.isEmpty else {
            throw ServiceError.answer("tls_public_key is not canonical base64")
        }
        guard let text = members["nonce"]?.stringValue, let nonce = BuildNonce(text: text), nonce.hex == text else {
            throw ServiceError.answer("nonce is not 32 lower-case hexadecimal digits")
        }
        guard let evidence = members["evidence"] else { throw ServiceError.answer("there is no evidence") }
        self.key = key
        self.nonce = nonce
        self.evidence = try Evidence(parsing: evidence.canonicalBytes())
    }

    /// Holds the answer to the key that was seen and the nonce that was sent.
    ///
    /// - Returns: What the evidence must have signed, computed from what was seen and sent and not from what was answered.
    func checked(against seen: [UInt8], _ sent: BuildNonce) throws(ServiceError) -> ReportData {
        guard nonce == sent else { throw .attestsToOtherNonce }
        guard key == seen else { throw .attestsToOtherKey }
        return ReportData(tlsKey: seen, nonce: sent)
    }
}
