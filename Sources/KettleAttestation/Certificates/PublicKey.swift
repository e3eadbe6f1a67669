internal import Crypto
internal import CryptoExtras
import SwiftASN1

/// A key of a certificate, of one of the kinds that the chip makers use.
enum PublicKey: Sendable {
    /// At least 2,048 bits.
    case rsa(_RSA.Signing.PublicKey)
    case p256(P256.Signing.PublicKey)
    case p384(P384.Signing.PublicKey)

    /// Reads a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7). Points are uncompressed and on the curve.
    init(_ node: ASN1Node) throws {
        var elements = try DERElements(of: node, .sequence)
        let algorithm = try elements.next().encodedBytes
        let bits = try elements.next().bits()
        try elements.end()
        switch Array(algorithm) {
        case Self.rsaEncryption:
            self = .rsa(try _RSA.Signing.PublicKey(derRepresentation: Array(node.encodedBytes)))
        case Self.prime256v1:
            self = .p256(try P256.Signing.PublicKey(x963Representation: Array(bits)))
        case Self.secp384r1:
            self = .p384(try P384.Signing.PublicKey(x963Representation: Array(bits)))
        default: throw DERError()
        }
    }

    /// AlgorithmIdentifiers in DER: RFC 3279 section 2.3.1, RFC 5480 section 2.1.1.
    private static let rsaEncryption: [UInt8] = [
        0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
    ]
    private static let prime256v1: [UInt8] = [
        0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
        0x03, 0x01, 0x07,
    ]
    private static let secp384r1: [UInt8] = [
        0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22,
    ]
}

/// How a certificate or a list is signed. Nothing else is accepted in the place of these two.
enum SignatureAlgorithm: Sendable {
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384, a salt of 48 bytes and trailer field 1: AMD.
    case rsaPSS
    /// ECDSA with SHA-256: Intel.
    case ecdsaSHA256

    /// Reads an AlgorithmIdentifier. RSASSA-PSS-params (RFC 4055, section 3.1) has a trailer field that AMD writes though it is
    /// the default, so there are two spellings.
    init(_ encoded: ArraySlice<UInt8>) throws {
        let bytes = Array(encoded)
        if bytes == Self.ecdsaEncoding {
            self = .ecdsaSHA256
        } else if bytes == [0x30, 0x41] + Self.pssOID + [0x30, 0x34] + Self.pssParameters
            || bytes == [0x30, 0x46] + Self.pssOID + [0x30, 0x39] + Self.pssParameters + [0xA3, 0x03, 0x02, 0x01, 0x01]
        {
            self = .rsaPSS
        } else {
            throw DERError()
        }
    }

    private static let ecdsaEncoding: [UInt8] = [
        0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02,
    ]
    private static let pssOID: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A]
    private static let sha384: [UInt8] = [
        0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00,
    ]
    private static let pssParameters: [UInt8] =
        [0xA0, 0x0F] + sha384
        + [0xA1, 0x1C, 0x30, 0x1A, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x08] + sha384
        + [0xA2, 0x03, 0x02, 0x01, 0x30]

    /// The name under which ``SignatureCount`` counts it.
    var name: String { self == .rsaPSS ? "rsa4096-pss-sha384" : "ecdsa-secp256r1" }

    /// Whether `signature` is by `key` over `bytes`. An ECDSA signature has one spelling: DER, no longer than needed.
    func isValid(_ signature: ArraySlice<UInt8>, by key: PublicKey, over bytes: ArraySlice<UInt8>) -> Bool {
        switch (self, key) {
        case (.rsaPSS, .rsa(let key)):
            guard key.keySizeInBits == 4096, signature.count == 512 else { return false }
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: Array(signature)), for: SHA384.hash(data: bytes),
                padding: .PSS)
        case (.ecdsaSHA256, .p256(let key)):
            guard let raw = Self.rawSignature(signature),
                let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: raw)
            else { return false }
            return key.isValidSignature(parsed, for: bytes)
        default: return false
        }
    }

    /// Reads ECDSA-Sig-Value (RFC 3279, section 2.2.3), a SEQUENCE of two INTEGERs: r and s, 32 bytes each; nil for any other
    /// spelling than DER's.
    private static func rawSignature(_ encoded: ArraySlice<UInt8>) -> [UInt8]? {
        var reader = ByteReader(encoded)
        guard reader.uint8() == 0x30, let length = reader.uint8(), length < 0x80, reader.remaining == Int(length) else {
            return nil
        }
        var raw: [UInt8] = []
        for _ in 0..<2 {
            guard reader.uint8() == 0x02, let count = reader.uint8(), count < 0x80,
                var number = reader.take(Int(count)), let first = number.first, first < 0x80
            else { return nil }
            // A zero stands in front where the number would be negative without it, and nowhere else.
            if first == 0 {
                number.removeFirst()
                guard let next = number.first, next >= 0x80 else { return nil }
            }
            guard number.count <= 32 else { return nil }
            raw += Array(repeating: 0, count: 32 - number.count) + number
        }
        return reader.remaining == 0 ? raw : nil
    }
}

/// How many signatures of which kind a verdict rests on, whether they were checked now or before in this process.
public struct SignatureCount: Hashable, Sendable {
    /// By algorithm: `rsa4096-pss-sha384`, `ecdsa-secp384r1`, `ecdsa-secp256r1`, `rsa2048-pkcs1-sha256`.
    public private(set) var counts: [String: Int] = [:]

    mutating func add(_ name: String, _ count: Int = 1) { counts[name, default: 0] += count }

    mutating func add(_ other: SignatureCount) {
        counts.merge(other.counts, uniquingKeysWith: +)
    }
}
