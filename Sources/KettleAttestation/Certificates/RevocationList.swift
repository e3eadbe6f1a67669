import SwiftASN1

/// A certificate revocation list (RFC 5280, section 5), read strictly.
package struct RevocationList: Sendable {
    /// The issuer's name in DER.
    let issuer: [UInt8]
    /// From thisUpdate to nextUpdate.
    package let validity: ValidityWindow
    /// Serial numbers, as INTEGER's bytes.
    let revoked: [[UInt8]]
    private let signed: [UInt8]
    private let algorithm: SignatureAlgorithm
    private let signature: [UInt8]

    /// Reads a list in DER, with nothing behind it.
    ///
    /// - Throws: ``DERError`` or an error of swift-asn1.
    package init(parsing bytes: [UInt8]) throws {
        var outer = try DERElements(of: try DER.parse(bytes), .sequence)
        let body = try outer.next()
        let outerAlgorithm = try outer.next().encodedBytes
        signature = Array(try outer.next().bits())
        try outer.end()
        signed = Array(body.encodedBytes)

        var fields = try DERElements(of: body, .sequence)
        guard try fields.next().smallInteger() == 1 else { throw DERError() }
        let innerAlgorithm = try fields.next().encodedBytes
        guard innerAlgorithm == outerAlgorithm else { throw DERError() }
        algorithm = try SignatureAlgorithm(innerAlgorithm)
        issuer = Array(try fields.next().encodedBytes)
        // A list without nextUpdate would never be stale.
        validity = ValidityWindow(try fields.next().time(), try fields.next().time())
        var revoked: [[UInt8]] = []
        var next = fields.nextIfAny()
        if let list = next, list.identifier == .sequence {
            var entries = try DERElements(of: list, .sequence)
            while let entry = entries.nextIfAny() {
                var parts = try DERElements(of: entry, .sequence)
                revoked.append(Array(try ArraySlice<UInt8>(derEncoded: try parts.next())))
                _ = try parts.next().time()
            }
            next = fields.nextIfAny()
        }
        if let extensions = next {
            var list = try DERElements(of: try DERElements.inside(extensions, tag: 0), .sequence)
            while let entry = list.nextIfAny() {
                var parts = try DERElements(of: entry, .sequence)
                _ = try ASN1ObjectIdentifier(derEncoded: try parts.next())
                // A list of a part, or of changes, says so critically (RFC 5280, section 5.2). The makers' lists are whole.
                guard try parts.next().identifier == .octetString else { throw DERError() }
                try parts.end()
            }
            try fields.end()
        }
        self.revoked = revoked
    }

    /// Whether this list names `issuer` and is signed by its key.
    package func isIssued(by issuer: Certificate) -> Bool {
        self.issuer == issuer.subject && algorithm.isValid(signature[...], by: issuer.publicKey, over: signed[...])
    }

    var signatureName: String { algorithm.name }
}
