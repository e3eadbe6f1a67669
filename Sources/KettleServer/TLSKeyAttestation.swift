import HTTPTypes
package import KettleAttestation
import KettleBuild
package import KettleProvenance

/// Answers `GET /attestation`: evidence that the key with which this service terminates TLS is held where its attester is.
///
///     {"tls_public_key": base64 of the DER SubjectPublicKeyInfo, "nonce": 32 hexadecimal digits, "evidence": {…}}
///
/// The evidence is over ``ReportData/init(tlsKey:nonce:)`` (`docs/formats.md`).
///
/// Hardware takes its time over evidence, and builds want it too: one piece is made at a time, and few callers wait.
package final class TLSKeyAttestation: Sendable {
    /// Callers that wait for their turn, the one whose turn it is included.
    package static let queueLimit = 8

    private let publicKey: [UInt8]
    private let attester: any Attester
    private let waiting = WaitingRoom(places: queueLimit, turns: 1)

    /// - Parameter publicKey: The DER SubjectPublicKeyInfo of the key that terminates TLS.
    package init(publicKey: [UInt8], attester: any Attester) {
        self.publicKey = publicKey
        self.attester = attester
    }

    /// - Throws: ``ProblemDetails`` with status 429 when too many wait already, and what the attester throws.
    package func answer(to nonce: BuildNonce) async throws -> JSONValue {
        let data = ReportData(tlsKey: publicKey, nonce: nonce)
        let evidence = try await waiting.admit(else: .tooManyAttestations) { turns in
            try await turns.withSlot { [attester] in try await attester.evidence(for: data) }
        }
        return [
            "tls_public_key": .string(Base64.encode(publicKey)), "nonce": .string(nonce.hex),
            "evidence": try JSONValue(parsing: evidence, maximumBytes: Evidence.limitInBytes),
        ]
    }
}

extension ProblemDetails {
    static let noTLS = ProblemDetails(
        .notFound, code: "attestation.no_tls",
        "this service does not terminate TLS itself, so it has no key to attest to",
        hint: "the operator starts it with --tls-generate, or with --tls-cert and --tls-key")

    fileprivate static var tooManyAttestations: ProblemDetails {
        var problem = ProblemDetails(
            .tooManyRequests, code: "attestation.busy", "too many callers wait for evidence", hint: "try again later")
        problem.headers[.retryAfter] = "2"
        return problem
    }
}
