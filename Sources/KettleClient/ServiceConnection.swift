import Foundation
import HTTPTypes
package import KettleAttestation
import KettleProvenance
import NIOSSL

/// A service that may be sent a source: by an authority's word, by evidence, or because it is on this machine.
///
/// The initialisers decide that; there is no other way to one.
package struct ServiceConnection: Sendable {
    let transport: ServiceTransport

    package var address: ServiceAddress { transport.address }

    /// The DER SubjectPublicKeyInfo of the key that was attested to, nil where nothing was. Every connection is with its
    /// holder, or fails before the first byte of a request.
    package let attestedKey: [UInt8]?

    /// A service whose certificate an authority signed, or one of this machine without TLS.
    ///
    /// - Parameters:
    ///   - authorities: A PEM file of the authorities that are trusted, nil for the system's.
    ///   - token: Says who asks; visible ASCII.
    /// - Throws: ``ServiceError/rootsMalformed(path:)``.
    package init(
        _ address: ServiceAddress, authorities: String? = nil, token: String? = nil
    ) throws(ServiceError) {
        var roots: [NIOSSLCertificate]?
        if let authorities {
            roots = try? NIOSSLCertificate.fromPEMFile(authorities)
            guard let roots, !roots.isEmpty else { throw .rootsMalformed(path: authorities) }
        }
        transport = ServiceTransport(address: address, trust: .authorities(roots), token: token)
        attestedKey = nil
    }

    /// A service whose key was attested to.
    ///
    /// Connects, sees the server's key, asks for evidence over it and a fresh nonce, and judges the answer. Authorities have no
    /// say in this: the certificate may be anybody's.
    ///
    /// - Parameters:
    ///   - token: Says who asks; visible ASCII. It is sent to the attested key alone.
    ///   - nonce: For tests. It must be fresh and random.
    ///   - judge: Throws unless the evidence is genuine, is by someone whose word is taken, and signs the report data.
    /// - Throws: ``ServiceError``, and what `judge` throws. Nothing but the nonce was sent then.
    package init(
        attested address: ServiceAddress, token: String? = nil, nonce: BuildNonce = .random(),
        by judge: @Sendable (Evidence, ReportData) throws -> Void
    ) async throws {
        guard address.isTLS else { throw ServiceError.attestationWithoutTLS }
        let (bytes, seen) = try await Self.ask(ServiceTransport(address: address, trust: .anyone, token: nil), nonce)
        guard let seen else { throw ServiceError.attestationWithoutTLS }
        let answer = try AttestationAnswer(parsing: bytes)
        try judge(answer.evidence, answer.checked(against: seen, nonce))
        transport = ServiceTransport(address: address, trust: .key(seen), token: token)
        attestedKey = seen
    }

    /// How long a service that is busy with others' evidence is given, and how often.
    private static let patience = (times: 5, pause: Duration.seconds(2))

    /// - Returns: The answer, and the key of the server that gave it.
    private static func ask(
        _ transport: ServiceTransport, _ nonce: BuildNonce
    ) async throws -> (answer: [UInt8], peerKey: [UInt8]?) {
        var tries = 1
        while true {
            do {
                return try await transport.exchange(
                    .get, "/attestation?nonce=\(nonce.hex)", [.accept: "application/json"]
                ) { head, body in
                    if head.status == .notFound { throw ServiceError.noAttestation }
                    guard head.status == .ok else { throw try await ServiceProblem.read(head, &body) }
                    return try await body.whole("the attestation", limit: AttestationAnswer.limitInBytes)
                }
            } catch ServiceError.refused(status: 429, _, _) where tries < patience.times {
                tries += 1
                try await Task.sleep(for: patience.pause)
            }
        }
    }
}

extension BuildNonce {
    /// 16 bytes of the system's random number generator.
    package static func random() -> BuildNonce {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return BuildNonce(bytes: bytes) ?? .zero
    }
}

/// An error in a service's own words (RFC 9457).
enum ServiceProblem {
    private static let limitInBytes = 1 << 20

    static func read(_ head: HTTPResponse, _ body: inout ResponseBody) async throws -> ServiceError {
        let bytes = try await body.whole("an error", limit: limitInBytes)
        let json = try? JSONValue(parsing: bytes, maximumBytes: limitInBytes)
        let detail = json?["detail"]?.stringValue ?? head.status.reasonPhrase.lowercased()
        return .refused(status: head.status.code, message: detail, hint: json?["hint"]?.stringValue)
    }
}
