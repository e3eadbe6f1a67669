import KettleError

/// Why a service could not be used, or is not to be used.
package enum ServiceError: UserFacingError, Equatable {
    /// Not the address of a service.
    case address(String)
    case plaintext(host: String)
    case attestationWithoutTLS
    case rootsMalformed(path: String)
    case unreachable(place: String)
    /// The handshake failed, most often over the certificate.
    case handshake(place: String)
    /// The connection ended, or what came over it was no HTTP.
    case lost
    case silent
    /// The service presents another key than the one that was attested to.
    case otherKey
    /// It has no evidence for its key.
    case noAttestation
    /// The key that it attests to is not the one with which it speaks.
    case attestsToOtherKey
    /// The answer was made for another nonce: it was made before, for someone else.
    case attestsToOtherNonce
    /// The evidence does not bind the key and the nonce.
    case evidenceUnbound
    /// The service said no, in its own words.
    case refused(status: Int, message: String, hint: String?)
    /// An answer that is not Kettle's.
    case answer(String)
    case tooLarge(String, limitInBytes: Int64)
    case sourceChanged

    /// Whether the service was looked at and found wanting; otherwise nothing was found out.
    package var isRejection: Bool {
        switch self {
        case .otherKey, .noAttestation, .attestsToOtherKey, .attestsToOtherNonce, .evidenceUnbound: true
        case .refused(let status, _, _): (400..<500).contains(status) && status != 429
        default: false
        }
    }

    package var code: String {
        switch self {
        case .address: "client.address"
        case .plaintext: "client.plaintext"
        case .attestationWithoutTLS: "client.attestation_without_tls"
        case .rootsMalformed: "client.roots"
        case .unreachable: "client.unreachable"
        case .handshake: "client.handshake"
        case .lost: "client.lost"
        case .silent: "client.silent"
        case .otherKey: "client.other_key"
        case .noAttestation: "client.no_attestation"
        case .attestsToOtherKey: "client.attestation_key"
        case .attestsToOtherNonce: "client.attestation_nonce"
        case .evidenceUnbound: "client.attestation_unbound"
        case .refused: "client.refused"
        case .answer: "client.answer"
        case .tooLarge: "client.too_large"
        case .sourceChanged: "client.source_changed"
        }
    }

    package var message: String {
        switch self {
        case .address(let text): "\(Self.shown(text)) is not the address of a service"
        case .plaintext(let host): "http:// to \(Self.shown(host)) would send the source for anyone to read and change"
        case .attestationWithoutTLS: "a service can attest to its key over https:// only"
        case .rootsMalformed(let path): "\(Self.shown(path)) holds no certificates in PEM"
        case .unreachable(let place): "\(Self.shown(place)) cannot be reached"
        case .handshake(let place): "no TLS connection with \(Self.shown(place)) could be made and trusted"
        case .lost: "the connection with the service broke off"
        case .silent: "the service has said nothing for a minute"
        case .otherKey: "the service now presents another key than the one that its evidence vouched for"
        case .noAttestation: "the service has no evidence for the key with which it speaks"
        case .attestsToOtherKey: "the service attests to another key than the one with which it speaks"
        case .attestsToOtherNonce: "the service's evidence was made for another nonce"
        case .evidenceUnbound: "the service's evidence was not made for its key and this nonce"
        case .refused(let status, let message, _): "the service answered \(status): \(message)"
        case .answer(let reason): "the service's answer is not one of Kettle's: \(reason)"
        case .tooLarge(let what, let limit): "\(what) from the service is larger than \(limit) bytes"
        case .sourceChanged: "the source changed while it was sent"
        }
    }

    package var hint: String? {
        switch self {
        case .address: "write it as https://kettle.example, or http://127.0.0.1:8080 on this machine"
        case .plaintext: "use https://, or send to a service on this machine"
        case .attestationWithoutTLS: "give its address as https://…; kettle serve --tls-generate speaks TLS"
        case .rootsMalformed: nil
        case .unreachable: "kettle serve prints its address; name it with --api"
        case .handshake:
            "--ca FILE trusts a private authority; --require-attestation goes by evidence instead of authorities"
        case .lost, .silent: nil
        case .otherKey: "it was restarted, or something stands in between; nothing was sent to the other key"
        case .noAttestation: "it must terminate TLS itself: kettle serve --tls-generate"
        case .attestsToOtherKey, .attestsToOtherNonce, .evidenceUnbound:
            "something may stand between you and the service; nothing of the source was sent"
        case .refused(status: 401, _, _): "a token goes into KETTLE_TOKEN, or into a file that --token-file names"
        case .refused(_, _, let hint): hint
        case .answer: "is this the address of a Kettle service?"
        case .tooLarge, .sourceChanged: nil
        }
    }
}
