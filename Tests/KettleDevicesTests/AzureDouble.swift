import KettleDevices
import KettleProvenance
import KettleTesting
import Synchronization

/// What Azure's paravisor writes into the TPM, around a real machine's hardware report.
struct Paravisor {
    /// The hardware report and its room, 1,184 bytes.
    var hardwareReport: [UInt8]
    /// 2 for SNP, 4 for TDX.
    var reportType: UInt32
    /// The modulus of the attestation key.
    var modulus: [UInt8]
    var userData: [UInt8]

    static func tdx(modulus: [UInt8], userData: [UInt8]) throws -> Paravisor {
        Paravisor(
            hardwareReport: Array(try Vectors.bytes("az-tdx/live/hcl_report.bin")[0x20..<0x4C0]), reportType: 4,
            modulus: modulus, userData: userData)
    }

    static func snp(modulus: [UInt8]) throws -> Paravisor {
        Paravisor(
            hardwareReport: Array(try Vectors.bytes("az-snp/milan-v3-live/hcl_report.bin")[0x20..<0x4C0]),
            reportType: 2,
            modulus: modulus, userData: Array(repeating: 0, count: 64))
    }

    /// Around the report of a chip whose maker the tests play, for exactly this runtime data.
    static func genuine(modulus: [UInt8]) -> Paravisor {
        var paravisor = Paravisor(
            hardwareReport: [], reportType: 2, modulus: modulus, userData: Array(repeating: 0, count: 64))
        let data = ContentDigest(of: paravisor.runtimeData).bytes + [UInt8](repeating: 0, count: 32)
        paravisor.hardwareReport = ChipVendor.shared.snpReport(reportData: data)
        return paravisor
    }

    private var runtimeData: [UInt8] {
        let key: JSONValue = [
            "kid": "HCLAkPub", "key_ops": ["sign"], "kty": "RSA", "e": "AQAB", "n": .string(base64URL(modulus)),
        ]
        return JSONValue.object([
            "keys": [key], "vm-configuration": ["secure-boot": true], "user-data": .string(hex(userData).uppercased()),
        ]).canonicalBytes()
    }

    /// The report: shorter than Azure's 2,600 bytes, because swtpm has room for 2,048.
    var bytes: [UInt8] {
        let data = runtimeData
        var report = hardwareReport
        let place = reportType == 4 ? 128 : 0x50
        report.replaceSubrange(
            place..<place + 64, with: ContentDigest(of: data).bytes + [UInt8](repeating: 0, count: 32))
        var bytes = Array("HCLA".utf8) + LittleEndian.bytes(UInt32(2)) + LittleEndian.bytes(UInt32(0x4D4 + data.count))
        bytes += LittleEndian.bytes(UInt32(2)) + [UInt8](repeating: 0, count: 16) + report
        for word in [UInt32(20 + data.count), 1, reportType, 1, UInt32(data.count)] {
            bytes += LittleEndian.bytes(word)
        }
        return bytes + data + [UInt8](repeating: 0, count: 16)
    }
}

/// What stands for Azure's metadata service: records requests and gives one answer.
final class MetadataDouble: Sendable {
    private let answer: [UInt8]
    private let received = Mutex<[MetadataRequest]>([])

    init(_ answer: String) { self.answer = Array(answer.utf8) }

    var requests: [MetadataRequest] { received.withLock { $0 } }

    var metadata: AzureMetadata {
        AzureMetadata { request in
            self.received.withLock { $0.append(request) }
            return self.answer
        }
    }
}

func hex(_ bytes: [UInt8]) -> String { bytes.hexadecimal }

/// Without padding, by another way than the sources have.
func base64URL(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    var text = ""
    var bits = 0
    var count = 0
    for byte in bytes {
        bits = bits << 8 | Int(byte)
        count += 8
        while count >= 6 {
            count -= 6
            text.append(letters[bits >> count & 63])
        }
        bits &= (1 << count) - 1
    }
    if count > 0 { text.append(letters[bits << (6 - count) & 63]) }
    return text
}
