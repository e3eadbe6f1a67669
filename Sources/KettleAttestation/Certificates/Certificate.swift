internal import Crypto
import KettleProvenance
import SwiftASN1

/// An X.509 certificate (RFC 5280), version 3, read strictly. Nothing is verified by reading it.
///
/// swift-certificates does not read certificates signed with RSASSA-PSS, which AMD's are.
package struct Certificate: Sendable {
    /// All of it, in DER.
    package let bytes: [UInt8]
    /// The INTEGER's bytes.
    let serialNumber: [UInt8]
    /// Names in DER. They are compared byte for byte.
    let issuer: [UInt8]
    let subject: [UInt8]
    /// The subject's one common name.
    let commonName: String
    package let validity: ValidityWindow
    let publicKey: PublicKey
    private let extensions: [(type: [UInt8], value: [UInt8])]
    /// Basic constraints: cA.
    let isAuthority: Bool
    /// Key usage: keyCertSign.
    let maySignCertificates: Bool
    private let envelope: SignedDER

    /// Reads one certificate in DER, with nothing behind it.
    ///
    /// - Throws: ``DERError`` or an error of swift-asn1 or swift-crypto.
    package init(parsing bytes: [UInt8]) throws {
        self.bytes = bytes
        var fields: DERElements
        (envelope, fields) = try SignedDER.open(bytes)
        guard try DERElements.inside(try fields.next(), tag: 0).smallInteger() == 2 else { throw DERError() }
        serialNumber = Array(try ArraySlice<UInt8>(derEncoded: try fields.next()))
        try envelope.check(innerAlgorithm: try fields.next())
        issuer = Array(try fields.next().encodedBytes)
        var validity = try DERElements(of: try fields.next(), .sequence)
        self.validity = ValidityWindow(try validity.next().time(), try validity.next().time())
        try validity.end()
        let subject = try fields.next()
        self.subject = Array(subject.encodedBytes)
        commonName = try Self.commonName(of: subject)
        publicKey = try PublicKey(try fields.next())
        extensions = try Self.extensions(in: try DERElements.inside(try fields.next(), tag: 3))
        try fields.end()
        // 2.5.29.19 and 2.5.29.15.
        isAuthority = try Self.isAuthority(Self.value(of: [0x55, 0x1D, 0x13], in: extensions))
        maySignCertificates = try Self.maySignCertificates(Self.value(of: [0x55, 0x1D, 0x0F], in: extensions))
    }

    /// An extension's value.
    ///
    /// - Parameter type: Its object identifier as DER writes it, without tag and length.
    func value(ofExtension type: [UInt8]) -> [UInt8]? { Self.value(of: type, in: extensions) }

    private static func value(of type: [UInt8], in extensions: [(type: [UInt8], value: [UInt8])]) -> [UInt8]? {
        extensions.first { $0.type == type }?.value
    }

    /// Whether this certificate names `issuer` and is signed by its key.
    package func isIssued(by issuer: Certificate) -> Bool {
        self.issuer == issuer.subject && envelope.isSigned(by: issuer.publicKey)
    }

    // MARK: - Parts

    private static func commonName(of name: ASN1Node) throws -> String {
        var names = try DERElements(of: name, .sequence)
        var found: String?
        while let set = names.nextIfAny() {
            var attributes = try DERElements(of: set, .set)
            while let attribute = attributes.nextIfAny() {
                var parts = try DERElements(of: attribute, .sequence)
                let type = try parts.next().objectIdentifier()
                let value = try parts.next()
                try parts.end()
                // 2.5.4.3.
                guard type == [0x55, 0x04, 0x03] else { continue }
                guard found == nil else { throw DERError() }
                let content = try value.primitive(value.identifier == .utf8String ? .utf8String : .printableString)
                guard let text = String(validating: content, as: UTF8.self) else { throw DERError() }
                found = text
            }
        }
        guard let found else { throw DERError() }
        return found
    }

    /// Key usage and basic constraints: 2.5.29.15 and 2.5.29.19.
    private static let understood: [[UInt8]] = [[0x55, 0x1D, 0x0F], [0x55, 0x1D, 0x13]]

    private static func extensions(in node: ASN1Node) throws -> [(type: [UInt8], value: [UInt8])] {
        var list = try DERElements(of: node, .sequence)
        var values: [(type: [UInt8], value: [UInt8])] = []
        while let entry = list.nextIfAny() {
            var parts = try DERElements(of: entry, .sequence)
            let type = try parts.next().objectIdentifier()
            var value = try parts.next()
            if value.identifier == .boolean {
                // DEFAULT FALSE is never written in DER. What is critical and unknown would change what the rest means (RFC 5280,
                // section 4.2).
                guard try Bool(derEncoded: value), understood.contains(type) else { throw DERError() }
                value = try parts.next()
            }
            try parts.end()
            guard Self.value(of: type, in: values) == nil else { throw DERError() }
            values.append((type, Array(try value.primitive(.octetString))))
        }
        return values
    }

    private static func isAuthority(_ value: [UInt8]?) throws -> Bool {
        guard let value else { return false }
        var parts = try DERElements(of: try DER.parse(value), .sequence)
        guard let first = parts.nextIfAny() else { return false }
        guard first.identifier == .boolean else { throw DERError() }
        return try Bool(derEncoded: first)
    }

    private static func maySignCertificates(_ value: [UInt8]?) throws -> Bool {
        guard let value else { return false }
        let content = try DER.parse(value).primitive(.bitString)
        // Bit 5 counted from the most significant one (RFC 5280, section 4.2.1.3).
        guard let first = content.dropFirst().first else { return false }
        return first & 0x04 != 0
    }
}
