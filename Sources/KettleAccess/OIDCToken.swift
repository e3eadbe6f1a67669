import KettleAttestation
import KettleProvenance

/// An identity token as it was shown: a signed JWT (RFC 7519) in compact form (RFC 7515, section 3.1). Nothing of it is true
/// before its signature was checked.
struct OIDCToken {
    /// Signatures by public keys. `none` and those by a shared secret are not among them, so that a public key can never
    /// be taken for a secret.
    enum Algorithm: String {
        case rs256 = "RS256"
        case es256 = "ES256"
        case edDSA = "EdDSA"
    }

    let text: String
    let algorithm: Algorithm
    /// `kid`: which of the issuer's keys.
    let keyID: String
    let claims: OIDCClaims

    static func isOne(_ text: String) -> Bool { text.utf8.count { $0 == UInt8(ascii: ".") } == 2 }

    /// - Throws: ``AccessError/identity(reason:)``.
    init(parsing text: String) throws(AccessError) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed }
        let header = try Self.object(parts[0])
        guard let name = header["alg"]?.stringValue, let algorithm = Algorithm(rawValue: name) else {
            throw .identity(reason: "its algorithm is not RS256, ES256 or EdDSA")
        }
        // RFC 7515, section 4.1.11: what is critical and not understood makes a token invalid.
        guard header["crit"] == nil else { throw .identity(reason: "it has critical header fields") }
        guard let keyID = header["kid"]?.stringValue, (1...256).contains(keyID.utf8.count) else {
            throw .identity(reason: "it names no key")
        }
        // JWTKit reads several texts as the same signature.
        _ = try Self.bytes(parts[2])
        self.text = text
        self.algorithm = algorithm
        self.keyID = keyID
        claims = try OIDCClaims(Self.object(parts[1]))
    }

    private static func object(_ part: Substring) throws(AccessError) -> [String: JSONValue] {
        let bytes = try bytes(part)
        guard let members = try? JSONValue(parsing: bytes, maximumDepth: 8, maximumBytes: 8192).objectValue else {
            throw .malformed
        }
        return members
    }

    private static func bytes(_ part: Substring) throws(AccessError) -> [UInt8] {
        guard !part.utf8.contains(UInt8(ascii: "=")), let bytes = Base64.decodeURL(String(part)) else {
            throw .malformed
        }
        return bytes
    }
}

/// What an identity token says (RFC 7519, section 4.1), times in seconds since 1970.
struct OIDCClaims {
    let issuer: String
    let subject: String
    let audiences: [String]
    let issuedAt: Double
    let notBefore: Double?
    let expiresAt: Double

    /// How far the clocks may differ, and how long a token may be good for, in seconds.
    private static let leeway = 60.0
    private static let longestLifetime = 86_400.0

    init(_ members: [String: JSONValue]) throws(AccessError) {
        guard let issuer = members["iss"]?.stringValue, let subject = members["sub"]?.stringValue,
            (1...255).contains(subject.utf8.count), subject.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { throw .identity(reason: "it lacks an issuer or a subject") }
        switch members["aud"] {
        case .string(let one)?: audiences = [one]
        case .array(let some)?: audiences = some.compactMap(\.stringValue)
        default: throw .identity(reason: "it has no audience")
        }
        guard let end = members["exp"]?.numberValue, let start = members["iat"]?.numberValue else {
            throw .identity(reason: "it lacks exp or iat")
        }
        if let text = members["nbf"] {
            guard let number = text.numberValue else { throw .identity(reason: "its nbf is not a number") }
            notBefore = number
        } else {
            notBefore = nil
        }
        self.issuer = issuer
        self.subject = subject
        issuedAt = start
        expiresAt = end
    }

    /// - Parameter time: In seconds since 1970.
    func checkTimes(at time: Double) throws(AccessError) {
        guard time < expiresAt else { throw .identity(reason: "it has expired") }
        guard max(issuedAt, notBefore ?? issuedAt) <= time + Self.leeway else {
            throw .identity(reason: "it is not valid yet")
        }
        guard expiresAt - issuedAt <= Self.longestLifetime else {
            throw .identity(reason: "it is good for longer than a day")
        }
    }
}
