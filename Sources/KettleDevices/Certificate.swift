import KettleAttestation

/// The outer form of a certificate: DER, or DER in PEM's armour. What it says is the verifier's to read.
enum Certificate {
    private static let begin = "-----BEGIN CERTIFICATE-----"
    private static let end = "-----END CERTIFICATE-----"

    /// The one certificate in these bytes, in DER.
    static func der(of bytes: [UInt8]) throws(DeviceError) -> [UInt8] {
        let der = bytes.first == 0x30 ? bytes : try contents(ofPEM: bytes)
        guard isSequence(der) else { throw malformed("it is not one DER sequence") }
        return der
    }

    /// Unpacks RFC 7468's strict form, whose lines may also end in CR LF. Two certificates are one too many: which one is
    /// meant would be a guess.
    private static func contents(ofPEM bytes: [UInt8]) throws(DeviceError) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        var lines = text.split(omittingEmptySubsequences: true) { $0 == "\n" || $0 == "\r\n" }
        guard lines.count > 2, lines.removeFirst() == begin, lines.removeLast() == end else {
            throw malformed("it is neither DER nor one certificate in PEM")
        }
        guard let der = Base64.decode(lines.joined()) else { throw malformed("its PEM is not base64") }
        return der
    }

    /// Whether the bytes are one SEQUENCE with a definite length of one to three bytes (X.690 section 8.1.3).
    private static func isSequence(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 2, bytes[0] == 0x30 else { return false }
        guard bytes[1] >= 0x80 else { return bytes.count == 2 + Int(bytes[1]) }
        let size = Int(bytes[1] & 0x7F)
        guard (1...3).contains(size), bytes.count >= 2 + size else { return false }
        return bytes.count == 2 + size + bytes[2..<2 + size].reduce(0) { $0 << 8 | Int($1) }
    }

    private static func malformed(_ reason: String) -> DeviceError {
        .malformed("a certificate", reason: reason)
    }
}
