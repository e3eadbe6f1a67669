internal import Crypto
public import KettleProvenance

/// The public half of a ``SoftwareKey``.
public struct SoftwarePublicKey: Sendable {
    private let key: P256.Signing.PublicKey

    init(_ key: P256.Signing.PublicKey) {
        self.key = key
    }

    /// Reads a public key in PEM, as ``pem`` writes it.
    ///
    /// - Throws: ``SoftwareKeyError/malformed``.
    public init(pem: String) throws(SoftwareKeyError) {
        do {
            key = try P256.Signing.PublicKey(pemRepresentation: pem)
        } catch {
            throw .malformed
        }
    }

    /// Reads a DER SubjectPublicKeyInfo with an uncompressed point. Nil for any other form of the same key too, so that a key
    /// has one fingerprint only.
    public init?(der: [UInt8]) {
        guard let key = try? P256.Signing.PublicKey(derRepresentation: der) else { return nil }
        self.key = key
        guard self.der == der else { return nil }
    }

    /// The DER SubjectPublicKeyInfo.
    public var der: [UInt8] { Array(key.derRepresentation) }

    /// The same in PEM, with a final newline.
    public var pem: String { key.pemRepresentation + "\n" }

    /// SHA-256 of ``der``: what `--software-key` takes, and what a person compares.
    public var fingerprint: ContentDigest { ContentDigest(of: der) }

    /// Whether `signature` (ECDSA, strict DER) is by this key over the SHA-256 of `bytes`.
    public func isValid(signature: [UInt8], over bytes: [UInt8]) -> Bool {
        guard let parsed = try? P256.Signing.ECDSASignature(derRepresentation: signature),
            Array(parsed.derRepresentation) == signature
        else { return false }
        return key.isValidSignature(parsed, for: bytes)
    }
}
