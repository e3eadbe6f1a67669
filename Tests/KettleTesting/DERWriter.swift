import Foundation

/// DER values, to make certificates that play the chip makers'.
package enum DERWriter {
    static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        if content.count < 0x80 {
            length = [UInt8(content.count)]
        } else {
            var count = content.count
            while count > 0 {
                length.insert(UInt8(count & 0xFF), at: 0)
                count >>= 8
            }
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        return [tag] + length + content
    }

    static func sequence(_ parts: [UInt8]...) -> [UInt8] { value(0x30, Array(parts.joined())) }
    static func set(_ parts: [UInt8]...) -> [UInt8] { value(0x31, Array(parts.joined())) }
    static func octets(_ bytes: [UInt8]) -> [UInt8] { value(0x04, bytes) }
    static func bits(_ bytes: [UInt8]) -> [UInt8] { value(0x03, [0] + bytes) }
    static func explicit(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { value(0xA0 | tag, content) }
    static func ia5(_ text: String) -> [UInt8] { value(0x16, Array(text.utf8)) }
    static let yes: [UInt8] = [0x01, 0x01, 0xFF]

    static func integer(_ number: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = number
        repeat {
            bytes.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        } while rest > 0
        if bytes[0] & 0x80 != 0 { bytes.insert(0, at: 0) }
        return value(0x02, bytes)
    }

    static func oid(_ text: String) -> [UInt8] {
        let arcs = text.split(separator: ".").compactMap { Int($0) }
        var content = [UInt8(arcs[0] * 40 + arcs[1])]
        for arc in arcs.dropFirst(2) {
            var group = [UInt8(arc & 0x7F)]
            var rest = arc >> 7
            while rest > 0 {
                group.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
                rest >>= 7
            }
            content += group
        }
        return value(0x06, content)
    }

    /// GeneralizedTime of a text such as `20250101000000Z`.
    static func time(_ text: String) -> [UInt8] { value(0x18, Array(text.utf8)) }

    static func name(_ commonName: String) -> [UInt8] {
        sequence(set(sequence(oid("2.5.4.3"), value(0x0C, Array(commonName.utf8)))))
    }

    package static func pem(_ der: [UInt8]) -> String {
        let text = Base64Text.encode(der)
        let lines = stride(from: 0, to: text.count, by: 64).map { String(text.dropFirst($0).prefix(64)) }
        return "-----BEGIN CERTIFICATE-----\n\(lines.joined(separator: "\n"))\n-----END CERTIFICATE-----\n"
    }
}

enum Base64Text {
    static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    static func encodeURL(_ bytes: [UInt8]) -> String {
        encode(bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
