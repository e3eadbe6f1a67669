import SwiftASN1

/// A certificate revocation list (RFC 5280, section 5), read strictly.
package struct RevocationList: Sendable {
    /// The issuer's name in DER.
    let issuer: [UInt8]
    /// From thisUpdate to nextUpdate.
    package let validity: ValidityWindow
    /// Serial numbers, as INTEGER's bytes.
    let revoked: [[UInt8]]
    private let envelope: SignedDER

    /// Reads a list in DER, with nothing behind it.
    ///
    /// - Throws: ``DERError`` or an error of swift-asn1.
    package init(parsing bytes: [UInt8]) throws {
        var fields: DERElements
        (envelope, fields) = try SignedDER.open(bytes)
        guard try fields.next().smallInteger() == 1 else { throw DERError() }
        try envelope.check(innerAlgorithm: try fields.next())
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
                if let extensions = parts.nextIfAny() { try Self.refuseCritical(in: extensions) }
                try parts.end()
            }
            next = fields.nextIfAny()
        }
        if let extensions = next {
            try Self.refuseCritical(in: try DERElements.inside(extensions, tag: 0))
            try fields.end()
        }
        self.revoked = revoked
    }

    /// A list of a part, of changes or of other issuers says so critically (RFC 5280, sections 5.2 and 5.3). The makers' lists are
    /// whole and their own.
    private static func refuseCritical(in extensions: ASN1Node) throws {
        var list = try DERElements(of: extensions, .sequence)
        while let entry = list.nextIfAny() {
            var parts = try DERElements(of: entry, .sequence)
            _ = try parts.next().objectIdentifier()
            guard try parts.next().identifier == .octetString else { throw DERError() }
            try parts.end()
        }
    }

    /// Whether this list names `issuer` and is signed by its key.
    package func isIssued(by issuer: Certificate) -> Bool {
        self.issuer == issuer.subject && envelope.isSigned(by: issuer.publicKey)
    }

    /// The name under which ``SignatureCount`` counts its signature.
    var signatureName: String { envelope.signatureName }
}
