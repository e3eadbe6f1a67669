import KettleProvenance
import SwiftASN1

/// What strict reading of DER needs beside swift-asn1, which refuses indefinite and longer lengths than needed, other spellings
/// of integers, and trailing bytes (X.690, section 10).
struct DERElements {
    private var nodes: ASN1NodeCollection.Iterator

    /// The elements of a constructed value.
    init(of node: ASN1Node, _ identifier: ASN1Identifier) throws {
        guard node.identifier == identifier, case .constructed(let nodes) = node.content else { throw DERError() }
        self.nodes = nodes.makeIterator()
    }

    mutating func next() throws -> ASN1Node {
        guard let node = nodes.next() else { throw DERError() }
        return node
    }

    mutating func nextIfAny() -> ASN1Node? { nodes.next() }

    /// Refuses more elements than were read.
    mutating func end() throws {
        guard nodes.next() == nil else { throw DERError() }
    }

    /// The one element of an explicit tag.
    static func inside(_ node: ASN1Node, tag: UInt) throws -> ASN1Node {
        var elements = try DERElements(of: node, ASN1Identifier(tagWithNumber: tag, tagClass: .contextSpecific))
        let inner = try elements.next()
        try elements.end()
        return inner
    }
}

/// A value is not in the one form that is allowed. Where it stands is said by those who catch it.
struct DERError: Error {}

extension ASN1Node {
    /// The content of a primitive value.
    func primitive(_ identifier: ASN1Identifier) throws -> ArraySlice<UInt8> {
        guard self.identifier == identifier, case .primitive(let content) = content else { throw DERError() }
        return content
    }

    /// An OBJECT IDENTIFIER's content: identifiers are compared by it, which has one spelling (X.690, section 8.19).
    func objectIdentifier() throws -> [UInt8] {
        let content = try primitive(.objectIdentifier)
        var isStart = true
        for byte in content {
            // A number that begins with a zero could be written shorter.
            guard !isStart || byte != 0x80 else { throw DERError() }
            isStart = byte < 0x80
        }
        guard isStart, !content.isEmpty else { throw DERError() }
        return Array(content)
    }

    /// An INTEGER from 0 to 65,535.
    func smallInteger() throws -> Int {
        let value = try Int64(derEncoded: self)
        guard (0...65_535).contains(value) else { throw DERError() }
        return Int(value)
    }

    /// UTCTime or GeneralizedTime in the form of RFC 5280, section 4.1.2.5: seconds and a Z.
    func time() throws -> Statement.Timestamp {
        let digits: [UInt8]
        if identifier == .utcTime {
            let content = try primitive(.utcTime)
            guard content.count == 13, let decade = content.first else { throw DERError() }
            digits = Array((decade >= UInt8(ascii: "5") ? "19" : "20").utf8) + content
        } else {
            digits = Array(try primitive(.generalizedTime))
        }
        guard digits.count == 15 else { throw DERError() }
        func part(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
        let text =
            "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14))\(part(14..<15))"
        guard let time = Statement.Timestamp(text: text) else { throw DERError() }
        return time
    }

    /// A BIT STRING of whole bytes.
    func bits() throws -> ArraySlice<UInt8> {
        let content = try primitive(.bitString)
        guard content.first == 0 else { throw DERError() }
        return content.dropFirst()
    }
}
