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
        guard try Self.read(quote).body.reportData == data else { throw DeviceError.notOurReportData("the TDX quote") }
        return try platform.evidence(
            ["quote": .string(Base64.encode(quote)), "cc_eventlog": .null], checkedBy: check)
    }

    /// Nothing is verified by reading it: that is for ``check``.
    private static func read(_ quote: [UInt8]) throws(DeviceError) -> TDXQuote {
        do {
            return try TDXQuote(parsing: quote)
        } catch {
            throw .malformed("the TDX quote", reason: error.message)
        }
    }
}
