import CFuzzer
import FuzzVectors
import Glibc
import KettleAttestation
import KettleProvenance

@main
enum FuzzReports {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
                FuzzReports.check([UInt8](UnsafeRawBufferPointer(start: bytes, count: count)))
                return 0
            })
    }

    /// A genuine report and the certificate of the key that signed it.
    private struct Report {
        let bytes: [UInt8]
        let key: [UInt8]
        let verification: SNPVerification

        init(_ name: String) {
            let vector = Vector(name)
            (bytes, key) = (vector.file("report.bin"), vector.file("vek.der"))
            verification = SNPVerification(roots: .vendor, revocations: nil, time: vector.time)
        }
    }

    private static let reports = ["snp/genoa-v5", "snp/turin-v5-azure-bare", "snp/milan-v3-vlek-vmpl1"].map(Report.init)
    private static let quotes = ["tdx/v4-spr-50806f", "tdx/v5-tdx15-gtg"].map { Vector($0).file("quote.bin") }
    private static let time = Vector("tdx/v4-spr-50806f").time

    /// The first byte says which key is to have signed a report, or that the rest is a quote.
    private static func check(_ input: [UInt8]) {
        guard let choice = input.first else { return }
        let bytes = Array(input.dropFirst())
        let number = Int(choice) % (reports.count + 1)
        if number < reports.count {
            check(bytes, like: reports[number])
        } else {
            checkQuote(bytes)
        }
    }

    /// 1,184 bytes of report; where more follow, they are the certificate.
    private static func check(_ bytes: [UInt8], like genuine: Report) {
        let report = Array(bytes.prefix(SNPReport.byteCount))
        let key = bytes.count > SNPReport.byteCount ? Array(bytes.dropFirst(SNPReport.byteCount)) : genuine.key
        if let read = try? SNPReport(parsing: report) {
            expect(report.count == SNPReport.byteCount, "a report of its length")
            expect(read.measurement == Array(report[0x090..<0x0C0]), "the measurement at its place")
            expect(read.reportData == Array(report[0x050..<0x090]), "the report data at their place")
            expect((read.cpuid != nil) == (read.version >= 3), "a processor where the version has one")
        }
        guard (try? genuine.verification.verify(report, endorsement: key)) != nil else { return }
        expect(reports.contains { $0.bytes == report && $0.key == key }, "no other report to be accepted")
    }

    private static func checkQuote(_ bytes: [UInt8]) {
        guard let quote = try? TDXQuote(parsing: bytes) else { return }
        let start = quote.version == 4 ? 48 : 54
        expect(quote.body.mrTD == Array(bytes[start + 136..<start + 184]), "MRTD at its place")
        expect(quote.body.reportData == Array(bytes[start + 520..<start + 584]), "REPORTDATA at their place")
        expect(quote.body.rtmr.count == 4 && quote.body.rtmr.allSatisfy { $0.count == 48 }, "four RTMRs")
        let verification = TDXVerification(roots: .vendor, collateral: nil, time: time)
        guard (try? verification.verify(bytes)) != nil else { return }
        // A platform's buffer may end in zeros; nothing signs their number.
        expect(quotes.contains { trimmed($0) == trimmed(bytes) }, "no other quote to be accepted")
    }

    private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        var bytes = bytes[...]
        while bytes.last == 0 { bytes.removeLast() }
        return bytes
    }
}
