import SwiftASN1

/// What AMD's certificate of a VCEK or VLEK says (AMD 57230, section 3.1, extensions below 1.3.6.1.4.1.3704.1).
package struct SNPEndorsement {
    /// What the key was derived for: the firmware's versions.
    let tcb: SNPTCB
    /// The chip; nil for a VLEK.
    let hardwareID: [UInt8]?
    /// The product's name up to a dash.
    let productName: String

    private static let root = "1.3.6.1.4.1.3704.1."
    /// The same in DER.
    private static let encodedRoot: [UInt8] = [0x2B, 0x06, 0x01, 0x04, 0x01, 0x9C, 0x78, 0x01]

    /// - Throws: ``EvidenceError``: `vek.extension`.
    package init(_ certificate: Certificate, product: SNPProduct, key: SNPSigningKey) throws(EvidenceError) {
        // Every number of an arc is one byte: `3.1` is 03 01.
        func value(_ arc: String) throws(EvidenceError) -> [UInt8] {
            let numbers = arc.utf8.filter { $0 != UInt8(ascii: ".") }.map { $0 - UInt8(ascii: "0") }
            guard let value = certificate.value(ofExtension: Self.encodedRoot + numbers) else {
                throw EvidenceError(
                    .vekExtension, "the \(key.rawValue)'s certificate lacks extension \(Self.root)\(arc)")
            }
            return value
        }
        func malformed(_ arc: String) -> EvidenceError {
            EvidenceError(
                .vekExtension, "extension \(Self.root)\(arc) of the \(key.rawValue)'s certificate is malformed")
        }
        func number(_ arc: String) throws(EvidenceError) -> UInt8 {
            let bytes = try value(arc)
            // 128 and more take two bytes: 02 02 00 DB is 219, and 02 01 DB would be -37.
            guard let number = (try? DER.parse(bytes)).flatMap({ try? Int64(derEncoded: $0) }),
                let version = UInt8(exactly: number)
            else { throw malformed(arc) }
            return version
        }
        func text(_ arc: String) throws(EvidenceError) -> String {
            let bytes = try value(arc)
            guard let content = (try? DER.parse(bytes)).flatMap({ try? $0.primitive(.ia5String) }),
                content.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
            else { throw malformed(arc) }
            return String(decoding: content, as: UTF8.self)
        }
        _ = try number("1")
        productName = try text("2").split(separator: "-", maxSplits: 1).first.map(String.init) ?? ""
        var tcb = SNPTCB()
        tcb[.bootloader] = try number("3.1")
        tcb[.tee] = try number("3.2")
        tcb[.snp] = try number("3.3")
        tcb[.microcode] = try number("3.8")
        if product == .turin { tcb[.fmc] = try number("3.9") }
        self.tcb = tcb
        switch key {
        case .vcek:
            // Raw bytes, which some issuers wrap in an OCTET STRING. The length tells; an id may well begin with 0x04.
            let bytes = try value("4")
            let count = product == .turin ? 8 : 64
            if bytes.count == count {
                hardwareID = bytes
            } else if bytes.count == count + 2, bytes[0] == 0x04, bytes[1] == UInt8(count) {
                hardwareID = Array(bytes.dropFirst(2))
            } else {
                throw malformed("4")
            }
        case .vlek:
            hardwareID = nil
            _ = try text("5")
        }
    }
}
