import Crypto
import CryptoExtras
import Foundation
import Hummingbird
import KettleAttestation
package import KettleProvenance
import Synchronization

/// An OpenID provider of one test's own, on a free port of 127.0.0.1, with a key of each kind that Kettle takes.
package final class IdentityProvider: Sendable {
    /// How a token is signed. The last ones are what must never pass.
    package enum Signing: Sendable {
        case rs256, es256, edDSA
        /// `alg` is `none`, and there is no signature.
        case none
        /// HMAC, with the public RSA key as the secret that both sides know.
        case hs256WithPublicKey
        /// RSA by a key that is not the provider's, under the name of one that is.
        case rs256ByAnother
        /// ECDSA, under the name of the RSA key.
        case es256UnderOtherName
    }

    /// `http://127.0.0.1:PORT`
    package let issuer: String
    private let rsa: _RSA.Signing.PrivateKey
    private let other: _RSA.Signing.PrivateKey
    private let ec = P256.Signing.PrivateKey()
    private let edwards = Curve25519.Signing.PrivateKey()
    private let asked: Asked

    private final class Asked: Sendable {
        let count = Atomic(0)
        let documents = Mutex<(configuration: [UInt8], keys: [UInt8])>(([], []))
    }

    private init(port: Int, asked: Asked) throws {
        issuer = "http://127.0.0.1:\(port)"
        rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        other = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        self.asked = asked
    }

    /// Runs a provider for as long as `body` takes.
    package static func run<Result: Sendable>(
        _ body: @escaping @Sendable (IdentityProvider) async throws -> Result
    ) async throws -> Result {
        let asked = Asked()
        let router = Router()
        router.get("/.well-known/openid-configuration") { _, _ in
            Response(
                status: .ok, body: .init(byteBuffer: ByteBuffer(bytes: asked.documents.withLock { $0.configuration })))
        }
        router.get("/keys") { _, _ in
            asked.count.add(1, ordering: .relaxed)
            return Response(
                status: .ok, body: .init(byteBuffer: ByteBuffer(bytes: asked.documents.withLock { $0.keys })))
        }
        return try await LoopbackServer.run(router) { port in
            let provider = try IdentityProvider(port: port, asked: asked)
            try provider.publish()
            return try await body(provider)
        }
    }

    /// How often the keys were asked for.
    package var keyRequests: Int { asked.count.load(ordering: .relaxed) }

    private func publish() throws {
        let primitives = try rsa.publicKey.getKeyPrimitives()
        let point = ec.publicKey.rawRepresentation
        func text(_ data: Data) -> JSONValue { .string(Base64.encodeURL(Array(data))) }
        let keys: JSONValue = [
            "keys": [
                [
                    "kty": "RSA", "kid": "rsa", "use": "sig", "alg": "RS256", "n": text(primitives.modulus),
                    "e": text(primitives.publicExponent),
                ],
                ["kty": "EC", "kid": "ec", "crv": "P-256", "x": text(point.prefix(32)), "y": text(point.suffix(32))],
                [
                    "kty": "OKP", "kid": "edwards", "crv": "Ed25519",
                    "x": text(edwards.publicKey.rawRepresentation),
                ],
                // What a verifier has to pass over.
                ["kty": "oct", "kid": "shared", "k": "c2VjcmV0"],
                ["kty": "EC", "kid": "encryption", "use": "enc", "crv": "P-256", "x": "AA", "y": "AA"],
            ]
        ]
        let configuration: JSONValue = ["issuer": .string(issuer), "jwks_uri": .string(issuer + "/keys")]
        asked.documents.withLock { $0 = (configuration.canonicalBytes(), keys.canonicalBytes()) }
    }

    /// A token for `sub` and `aud`, from a minute ago until in an hour, with `changes` made to its claims (null removes one).
    package func token(
        subject: String, audience: JSONValue, signed signing: Signing = .es256, keyID: String? = nil,
        _ changes: [String: JSONValue] = [:]
    ) throws -> String {
        let now = Int64(Date.now.timeIntervalSince1970)
        var claims: [String: JSONValue] = [
            "iss": .string(issuer), "sub": .string(subject), "aud": audience, "iat": .integer(now - 60),
            "exp": .integer(now + 3600),
        ]
        for (name, value) in changes { claims[name] = value.isNull ? nil : value }
        let (algorithm, name) =
            switch signing {
            case .rs256, .rs256ByAnother: ("RS256", "rsa")
            case .es256: ("ES256", "ec")
            case .edDSA: ("EdDSA", "edwards")
            case .none: ("none", "rsa")
            case .hs256WithPublicKey: ("HS256", "rsa")
            case .es256UnderOtherName: ("ES256", "rsa")
            }
        let header: JSONValue = ["alg": .string(algorithm), "typ": "JWT", "kid": .string(keyID ?? name)]
        let text =
            Base64.encodeURL(header.canonicalBytes()) + "."
            + Base64.encodeURL(JSONValue.object(claims).canonicalBytes())
        return text + "." + Base64.encodeURL(Array(try signature(of: Data(text.utf8), signing)))
    }

    private func signature(of data: Data, _ signing: Signing) throws -> Data {
        switch signing {
        case .rs256: try rsa.signature(for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5).rawRepresentation
        case .rs256ByAnother:
            try other.signature(for: SHA256.hash(data: data), padding: .insecurePKCS1v1_5).rawRepresentation
        case .es256, .es256UnderOtherName: try ec.signature(for: data).rawRepresentation
        case .edDSA: try edwards.signature(for: data)
        case .none: Data()
        case .hs256WithPublicKey:
            Data(
                HMAC<SHA256>.authenticationCode(
                    for: data, using: SymmetricKey(data: Data(rsa.publicKey.pemRepresentation.utf8))))
        }
    }
}
