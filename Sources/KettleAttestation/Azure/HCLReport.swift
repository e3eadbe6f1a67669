internal import Crypto
import KettleProvenance

/// What Azure's paravisor (HCL) keeps in the vTPM about the machine: a hardware report, and the runtime data that its report
/// data are the digest of.
///
/// At most 2,600 bytes in NV index 0x01400001, integers little-endian (Microsoft, "Azure confidential VM guest attestation",
/// HCL report). Nothing is verified by reading it.
package struct HCLReport {
    /// Which hardware made the report.
    package enum Kind: UInt32 {
        case snp = 2
        case tdx = 4
    }

    /// All of it, zeros at its end included.
    package let bytes: [UInt8]
    package let kind: Kind
    /// The 1,184 bytes of the hardware's report; a TDREPORT is 1,024 and zeros.
    package let hardwareReport: [UInt8]
    /// The runtime data, exactly as they are hashed.
    package let runtimeData: [UInt8]

    private static let headerByteCount = 0x4D4
    private static let tdReportByteCount = 1024

    /// - Parameter wanted: Which hardware's report it has to be; nil takes either.
    /// - Throws: ``EvidenceError``: `hcl.format`, `hcl.report_type` or `hcl.hash_type`.
    package init(parsing bytes: [UInt8], kind wanted: Kind? = nil) throws(EvidenceError) {
        guard bytes.count <= 65_536,
            let header = ByteLayout(bytes.prefix(Self.headerByteCount), count: Self.headerByteCount)
        else { throw .hcl("is too short or too long") }
        guard header.field(0x000, 4) == Array("HCLA".utf8) else { throw .hcl("does not begin with HCLA") }
        guard (1...2).contains(header.uint32(littleEndian: 0x004)) else { throw .hcl("is of an unknown version") }
        guard header.uint32(littleEndian: 0x00C) == 2, header.field(0x010, 16).allSatisfy({ $0 == 0 }) else {
            throw .hcl("is not of a report request that succeeded")
        }
        guard header.uint32(littleEndian: 0x4C4) == 1 else { throw .hcl("has runtime data of an unknown version") }
        let type = header.uint32(littleEndian: 0x4C8)
        guard let kind = Kind(rawValue: type), kind == wanted ?? kind else {
            throw EvidenceError(
                .hclReportType, "the HCL report holds the report of other hardware",
                expected: wanted.map { "\($0.rawValue)" } ?? "2 or 4", actual: "\(type)")
        }
        guard header.uint32(littleEndian: 0x4CC) == 1 else {
            throw EvidenceError(
                .hclHashType, "the HCL report's hash is not SHA-256", expected: "1",
                actual: "\(header.uint32(littleEndian: 0x4CC))")
        }
        let size = Int(header.uint32(littleEndian: 0x4D0))
        guard size <= bytes.count - Self.headerByteCount,
            Int(header.uint32(littleEndian: 0x4C0)) == 20 + size,
            Int(header.uint32(littleEndian: 0x008)) == Self.headerByteCount + size
        else { throw .hcl("has sizes that do not add up") }
        guard bytes.dropFirst(Self.headerByteCount + size).allSatisfy({ $0 == 0 }) else {
            throw .hcl("has something behind the runtime data")
        }
        self.bytes = bytes
        self.kind = kind
        hardwareReport = header.field(0x020, 1184)
        guard kind == .snp || hardwareReport.dropFirst(Self.tdReportByteCount).allSatisfy({ $0 == 0 }) else {
            throw .hcl("has something behind the TDREPORT")
        }
        runtimeData = Array(bytes[Self.headerByteCount..<Self.headerByteCount + size])
    }

    /// What the hardware's report data have to be: SHA-256 of the runtime data, and 32 zeros.
    package var reportData: [UInt8] { Array(SHA256.hash(data: runtimeData)) + Array(repeating: 0, count: 32) }

    /// The report data in the hardware's report: REPORT_DATA of SEV-SNP at 0x050; of a TDREPORT, REPORTDATA in REPORTMACSTRUCT
    /// at 128.
    package var hardwareReportData: [UInt8] {
        let start = kind == .snp ? 0x050 : 128
        return Array(hardwareReport[start..<start + 64])
    }

    /// The TDREPORT of a report on TDX, 1,024 bytes.
    package var tdReport: [UInt8] { Array(hardwareReport.prefix(Self.tdReportByteCount)) }

    /// Whether the runtime data name these bytes as the guest's.
    package func carries(userData: [UInt8]) -> Bool {
        (try? HCLRuntimeData(parsing: runtimeData))?.userData == .string(userData.hexadecimal)
    }
}

/// The runtime data of an HCL report: the vTPM's attestation key, and how the machine was configured.
package struct HCLRuntimeData {
    /// The key's modulus, 256 bytes. Its exponent is 65,537.
    package let modulus: [UInt8]
    /// `vm-configuration`; null where there is none.
    let configuration: JSONValue
    /// `user-data`.
    let userData: JSONValue

    /// - Throws: ``EvidenceError``: `hcl.vardata`.
    package init(parsing bytes: [UInt8]) throws(EvidenceError) {
        func refuse(_ what: String) -> EvidenceError {
            EvidenceError(.hclRuntimeData, "the HCL report's runtime data \(what)")
        }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes)
        } catch {
            throw refuse("cannot be read: \(error.message)")
        }
        let keys = json["keys"]?.arrayValue?.filter { $0["kid"]?.stringValue == "HCLAkPub" } ?? []
        // Two keys of one name: which one signed?
        guard let key = keys.first, keys.count == 1 else { throw refuse("do not hold exactly one HCLAkPub") }
        guard key["kty"]?.stringValue == "RSA", key["key_ops"]?.arrayValue == [.string("sign")] else {
            throw refuse("have an attestation key that is not RSA or not for signatures alone")
        }
        guard let modulus = key["n"]?.stringValue.flatMap(Base64.decodeURL), modulus.count == 256, modulus[0] >= 0x80,
            key["e"]?.stringValue.flatMap(Base64.decodeURL) == [1, 0, 1]
        else { throw refuse("have an attestation key that is not RSA-2048 with exponent 65537") }
        self.modulus = modulus
        configuration = json["vm-configuration"] ?? .null
        userData = json["user-data"].map { $0.stringValue.map { .string($0.lowercased()) } ?? $0 } ?? .null
    }
}

extension EvidenceError {
    fileprivate static func hcl(_ what: String) -> EvidenceError { EvidenceError(.hclFormat, "the HCL report \(what)") }
}
