/// What must be known of a fresh SNP report to find the certificate of its key (AMD 56860 rev. 1.58, ATTESTATION_REPORT).
///
/// Nothing is verified here: that is for the verifier, which reads the report itself.
struct SNPReportFields {
    static let byteCount = 1184

    /// Which kind of key signed: KEY_INFO at 0x048, bits 4:2.
    enum Signer: UInt32 {
        case vcek = 0
        case vlek = 1
    }

    let signer: Signer
    /// REPORT_DATA at 0x050.
    let reportData: [UInt8]
    /// By CPUID at 0x188, which reports have from version 3 on; nil before, and for a family that is none of AMD's three.
    let product: KDS.Product?
    /// CHIP_ID at 0x1A0. All zero when the host masks it.
    let chipID: [UInt8]
    /// REPORTED_TCB at 0x180, whose layout depends on the product; nil when that is not known.
    let tcb: KDS.TCB?

    init(of report: [UInt8]) throws(DeviceError) {
        guard report.count == Self.byteCount else {
            throw .wrongLength("the SNP report", expected: Self.byteCount, actual: report.count)
        }
        let keyInfo = report.littleEndian(UInt32.self, at: 0x048) ?? 0
        guard let signer = Signer(rawValue: keyInfo >> 2 & 0b111) else {
            throw .malformed("the SNP report", reason: "no key signed it that Kettle knows")
        }
        self.signer = signer
        reportData = Array(report[0x050..<0x090])
        chipID = Array(report[0x1A0..<0x1E0])
        product = (report.littleEndian(UInt32.self, at: 0) ?? 0) < 3 ? nil : Self.product(report[0x188], report[0x189])
        let tcb = Array(report[0x180..<0x188])
        self.tcb =
            switch product {
            case .milan, .genoa: KDS.TCB(bootloader: tcb[0], tee: tcb[1], snp: tcb[6], microcode: tcb[7])
            case .turin: KDS.TCB(fmc: tcb[0], bootloader: tcb[1], tee: tcb[2], snp: tcb[3], microcode: tcb[7])
            case nil: nil
            }
    }

    private static func product(_ family: UInt8, _ model: UInt8) -> KDS.Product? {
        switch (family, model) {
        case (0x19, 0x00...0x0F): .milan
        case (0x19, 0x10...0x1F), (0x19, 0xA0...0xAF): .genoa
        case (0x1A, 0x00...0x11): .turin
        default: nil
        }
    }
}
