import KettleProvenance

/// What Azure's paravisor (the "host compatibility layer") leaves in the TPM: a hardware report, and the runtime data whose
/// digest that report carries. Read as far as making evidence needs it; verifying it is the verifier's.
///
/// Little-endian: "HCLA" at 0, the hardware report at 0x020 in room for 1,184 bytes, report type at 0x4C8, length of the
/// runtime data at 0x4D0 and the data, JSON, at 0x4D4.
struct HCLReport {
    enum Kind: UInt32 {
        case snp = 2
        case tdx = 4
    }

    /// The report as it lies in the TPM, zeros at its end included.
    let bytes: [UInt8]
    let kind: Kind
    private let runtimeData: [UInt8]

    init(parsing bytes: [UInt8]) throws(DeviceError) {
        guard bytes.starts(with: "HCLA".utf8) else {
            throw .malformed("the paravisor's report", reason: "it does not begin with HCLA")
        }
        guard let type = bytes.littleEndian(UInt32.self, at: 0x4C8),
            let length = bytes.littleEndian(UInt32.self, at: 0x4D0), Int(length) <= bytes.count - 0x4D4
        else { throw .malformed("the paravisor's report", reason: "it ends too early") }
        guard let kind = Kind(rawValue: type) else {
            throw .malformed("the paravisor's report", reason: "its type is \(type)")
        }
        self.bytes = bytes
        self.kind = kind
        runtimeData = Array(bytes[0x4D4..<0x4D4 + Int(length)])
    }

    /// The TDREPORT of a report on TDX, 1,024 bytes.
    var tdReport: [UInt8] { Array(bytes[0x020..<0x420]) }

    /// Whether the hardware's report carries the digest of the runtime data. It does not when the paravisor wrote a new
    /// report while this one was read piece by piece.
    var isWhole: Bool {
        // REPORTDATA of a TDREPORT is at 128, REPORT_DATA of an SNP report at 0x050.
        let start = 0x020 + (kind == .tdx ? 128 : 0x050)
        return ContentDigest(of: runtimeData).bytes == Array(bytes[start..<start + 32])
    }

    /// Whether the runtime data name these bytes as the guest's.
    func carries(userData: [UInt8]) -> Bool {
        guard let json = try? JSONValue(parsing: runtimeData), let text = json["user-data"]?.stringValue else {
            return false
        }
        return text.lowercased() == userData.hexadecimal
    }
}
