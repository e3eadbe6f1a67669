package import KettleAttestation
import KettleProvenance
package import NIOPosix

/// Has the virtual TPM of an Azure VM on TDX vouch for a build. The hardware vouches for the TPM's key.
package struct AzureTDXAttester: Attester {
    package let platform = Platform.azureTDX

    private let tpm: AzureVTPM
    private let metadata: AzureMetadata
    private let renewal: Duration
    private let check: EvidenceCheck
    private let threads: NIOThreadPool

    /// - Parameters:
    ///   - tpm: The VM's TPM.
    ///   - metadata: Asked to have the hardware's report signed for other machines.
    ///   - renewal: How long the paravisor is given to make a new report; it takes about three seconds.
    ///   - check: Verifies the evidence before it is returned.
    ///   - threads: Where the TPM is waited for.
    package init(
        tpm: AzureVTPM = AzureVTPM(), metadata: AzureMetadata, renewal: Duration = .seconds(15),
        check: @escaping EvidenceCheck, threads: NIOThreadPool
    ) {
        self.tpm = tpm
        self.metadata = metadata
        self.renewal = renewal
        self.check = check
        self.threads = threads
    }

    package func evidence(for reportData: ReportData) async throws -> [UInt8] {
        let report = try await freshReport(carrying: reportData)
        let tdQuote = try await metadata.quote(of: report.tdReport)
        let quote = try await threads.runIfActive { try tpm.quote(over: reportData.bytes) }
        return try platform.evidence(
            [
                "version": 1, "tpm_quote": quote.json, "hcl_report": .string(Base64.encodeURL(report.bytes)),
                "td_quote": .string(Base64.encodeURL(tdQuote)),
            ], checkedBy: check)
    }

    /// Hands the report data to the paravisor and reads its report until that carries them.
    private func freshReport(carrying reportData: ReportData) async throws -> HCLReport {
        let userData = reportData.padded
        try await threads.runIfActive { try tpm.writeUserData(userData) }
        let deadline = ContinuousClock.now + renewal
        while true {
            let report = try await threads.runIfActive { try tpm.report() }
            guard report.kind == .tdx else {
                throw DeviceError.malformed("the paravisor's report", reason: "it is not of TDX")
            }
            // Read piece by piece while the paravisor writes a new one, a report may be of two.
            let isWhole = report.hardwareReportData == report.reportData
            if isWhole, report.carries(userData: userData) { return report }
            guard ContinuousClock.now < deadline else {
                throw DeviceError.notOurReportData("the paravisor's report")
            }
            // The paravisor announces a new report to nobody.
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}
