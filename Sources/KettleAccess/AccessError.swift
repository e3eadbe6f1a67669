import KettleError

/// Why a token that was shown is not accepted. Nothing of the token is repeated.
package enum AccessError: UserFacingError, Equatable {
    /// Not `Authorization: Bearer TOKEN`, or too long.
    case malformed
    /// No such token, or not with that secret.
    case unknown
    case expired
    case revoked
    /// A token of an identity provider that is not accepted; `reason` says why.
    case identity(reason: String)
    /// The keys of an identity provider cannot be had, so that nobody knows.
    case issuerUnreachable(name: String)

    package var code: String {
        switch self {
        case .malformed, .unknown, .expired, .revoked, .identity: "access.token_invalid"
        case .issuerUnreachable: "access.issuer_unreachable"
        }
    }

    package var message: String {
        switch self {
        case .malformed: "the Authorization header holds no token that this service knows how to read"
        case .unknown: "the token is not one of this service's"
        case .expired: "the token has expired"
        case .revoked: "the token was revoked"
        case .identity(let reason): "the identity token is not accepted: \(reason)"
        case .issuerUnreachable(let name): "the keys of the identity provider \"\(name)\" cannot be fetched"
        }
    }

    package var hint: String? {
        switch self {
        case .malformed: "send Authorization: Bearer TOKEN"
        case .unknown, .expired, .revoked: "ask the operator for a new one (kettle token create)"
        case .identity: "the operator's rules say which issuers, audiences and subjects are accepted"
        case .issuerUnreachable: "try again later"
        }
    }
}
