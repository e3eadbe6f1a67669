internal import Crypto
public import KettleProvenance

/// The P-256 key with which a service without trusted hardware signs what it built.
///
/// Whoever holds it can sign anything, so it proves who built and nothing more. The private half never leaves this type.
public struct SoftwareKey: Sendable {
    private let key: P256.Signing.PrivateKey

    /// A new key, which lives in memory only.
    public init() {
        key = P256.Signing.PrivateKey()
    }

    /// Reads a private key in PEM (PKCS #8 or SEC 1).
    ///
    /// - Throws: ``SoftwareKeyError/malformed``.
    public init(pem: String) throws(SoftwareKeyError) {
        do {
            key = try P256.Signing.PrivateKey(pemRepresentation: pem)
        } catch {
            throw .malformed
        }
    }

    /// The private half in PEM (PKCS #8). For the key file and nothing else.
    var privatePEM: String { key.pemRepresentation + "\n" }

    /// The public half.
    public var publicKey: SoftwarePublicKey { SoftwarePublicKey(key.publicKey) }

    /// The public half in PEM, to be handed to those who verify.
    public var publicKeyPEM: String { publicKey.pem }

    /// SHA-256 of the public half's DER SubjectPublicKeyInfo.
    public var fingerprint: ContentDigest { publicKey.fingerprint }

    /// An ECDSA signature in DER over the SHA-256 of `bytes`.
    package func signature(over bytes: [UInt8]) throws -> [UInt8] {
        Array(try key.signature(for: bytes).derRepresentation)
    }
}
