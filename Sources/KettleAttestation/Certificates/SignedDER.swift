import SwiftASN1

/// What certificates and revocation lists have in common (RFC 5280, sections 4.1.1 and 5.1.1): a body, an algorithm, and a
/// signature over the body's bytes as they came. Nothing is encoded again.
struct SignedDER: Sendable {
    private let signed: [UInt8]
    private let signature: [UInt8]
    private let algorithm: SignatureAlgorithm
    private let encodedAlgorithm: [UInt8]

    /// - Returns: Itself, and the fields of the body.
    static func open(_ bytes: [UInt8]) throws -> (SignedDER, DERElements) {
        var outer = try DERElements(of: try DER.parse(bytes), .sequence)
        let body = try outer.next()
        let algorithm = try outer.next().encodedBytes
        let signature = try outer.next().bits()
        try outer.end()
        let opened = SignedDER(
            signed: Array(body.encodedBytes), signature: Array(signature), algorithm: try SignatureAlgorithm(algorithm),
            encodedAlgorithm: Array(algorithm))
        return (opened, try DERElements(of: body, .sequence))
    }

    /// Refuses a body that names another algorithm than stands outside of it, where nothing is signed.
    func check(innerAlgorithm node: ASN1Node) throws {
        guard node.encodedBytes.elementsEqual(encodedAlgorithm) else { throw DERError() }
    }

    /// Whether it is signed by a key.
    func isSigned(by key: PublicKey) -> Bool {
        algorithm.isValid(signature[...], by: key, over: signed[...])
    }

    /// The name under which ``SignatureCount`` counts the signature.
    var signatureName: String { algorithm.name }
}
