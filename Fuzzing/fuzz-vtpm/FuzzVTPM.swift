import CFuzzer
import FuzzVectors
import Glibc
import KettleAttestation
import KettleProvenance

@main
enum FuzzVTPM {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzVTPM.check([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    private static let vector = Vector("az-snp/milan-v3-live")
    private static let message = vector.file("tpm_attest.bin")
    private static let signature = vector.file("tpm_signature.bin")
    private static let pcrs = vector.pcrs
    private static let key: [UInt8] = {
        let report = required { try HCLReport(parsing: vector.file("hcl_report.bin"), kind: .snp) }
        return required { try HCLRuntimeData(parsing: report.runtimeData) }.modulus
    }()
    /// The last 32 bytes of a message about these registers.
    private static let digest = Array(message.suffix(32))

    /// The first byte says what the rest is.
    private static func check(_ input: [UInt8]) {
        let bytes = Array(input.dropFirst())
        switch input.first.map({ $0 % 4 }) {
        case 0: checkReport(bytes, .snp)
        case 1: checkReport(bytes, .tdx)
        case 2: checkRuntimeData(bytes)
        case 3: checkMessage(bytes)
        default: break
        }
    }

    private static func checkReport(_ bytes: [UInt8], _ kind: HCLReport.Kind) {
        guard let report = try? HCLReport(parsing: bytes, kind: kind) else { return }
        let (data, count) = (report.runtimeData, 0x4D4 + report.runtimeData.count)
        expect(report.hardwareReport == Array(bytes[0x20..<0x4C0]), "the hardware's report at its place")
        expect(data == Array(bytes[0x4D4..<count]), "the runtime data at their place")
        expect(bytes[count...].allSatisfy { $0 == 0 }, "nothing behind the runtime data")
        checkRuntimeData(data)
    }

    private static func checkRuntimeData(_ bytes: [UInt8]) {
        guard let data = try? HCLRuntimeData(parsing: bytes) else { return }
        expect(data.modulus.count == 256 && data.modulus[0] >= 0x80, "a modulus of 2,048 bits")
        // A key that a stranger made up: it may be none at all, and has signed nothing.
        let quote = TPMQuote(message: message, signature: signature, pcrs: pcrs)
        if (try? quote.verified(by: data.modulus)) != nil { expect(data.modulus == key, "the key that signed") }
    }

    private static func checkMessage(_ bytes: [UInt8]) {
        let quote = TPMQuote(message: bytes, signature: signature, pcrs: pcrs)
        if let extra = try? quote.extraData() {
            expect(bytes.starts(with: [0xFF, 0x54, 0x43, 0x47, 0x80, 0x18]), "a quote of the TPM's making")
            expect(bytes.suffix(32) == digest[...], "the digest of the registers at the end")
            // Magic, type, two lengths, clock, firmware, one selection of three bytes, and the digest.
            let signer = Int(bytes[6]) << 8 + Int(bytes[7])
            let count = 6 + 2 + signer + 2 + extra.count + 17 + 8 + 4 + 2 + 4 + 34
            expect(bytes.count == count, "nothing that is not read")
        }
        if (try? quote.verified(by: key)) != nil { expect(bytes == message, "no other message to be accepted") }
    }
}
