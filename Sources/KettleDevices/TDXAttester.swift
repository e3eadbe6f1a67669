package import KettleAttestation
import KettleProvenance
package import NIOPosix

/// Has Intel TDX vouch for a build.
package struct TDXAttester: Attester {
    package let platform = Platform.tdx

    private let configfs: ConfigfsTSM
    private let check: EvidenceCheck
    private let threads: NIOThreadPool

    /// - Parameters:
    ///   - configfs: What is asked for quotes. Linux has no other way: /dev/tdx_guest gives reports that only their own
    ///     machine can check.
    ///   - check: Verifies the evidence before it is returned.
    ///   - threads: Where the hardware is waited for.
    package init(configfs: ConfigfsTSM = ConfigfsTSM(), check: @escaping EvidenceCheck, threads: NIOThreadPool) {
        self.configfs = configfs
        self.check = check
        self.threads = threads
    }

    package func evidence(for reportData: ReportData) async throws -> [UInt8] {
        let data = reportData.padded
        let quote = try await threads.runIfActive { try configfs.report(of: .tdxGuest, over: data).outblob }
        guard try Self.reportData(of: quote) == data else { throw DeviceError.notOurReportData("the TDX quote") }
        return try platform.evidence(
            ["quote": .string(Base64.encode(quote)), "cc_eventlog": .null], checkedBy: check)
    }

    /// REPORTDATA, at 520 in the body, which begins at 48 in a quote of version 4 and at 54 in one of version 5 (Intel TDX
    /// DCAP Quote Generation Library, appendix A).
    private static func reportData(of quote: [UInt8]) throws(DeviceError) -> [UInt8] {
        let start: Int
        switch quote.littleEndian(UInt16.self, at: 0) {
        case 4: start = 48 + 520
        case 5: start = 54 + 520
        default: throw .malformed("the TDX quote", reason: "its version is neither 4 nor 5")
        }
        guard quote.count >= start + 64 else { throw .malformed("the TDX quote", reason: "it ends too early") }
        return Array(quote[start..<start + 64])
    }
}
