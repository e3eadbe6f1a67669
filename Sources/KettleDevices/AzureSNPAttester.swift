package import KettleAttestation
import KettleProvenance
package import NIOPosix

/// Has the virtual TPM of an Azure VM on SEV-SNP vouch for a build. The hardware vouches for the TPM's key.
package struct AzureSNPAttester: Attester {
    package let platform = Platform.azureSNP

    private let tpm: AzureVTPM
    private let metadata: AzureMetadata
    private let check: EvidenceCheck
    private let threads: NIOThreadPool

    /// - Parameters:
    ///   - tpm: The VM's TPM.
    ///   - metadata: Asked for the certificate of the chip's key.
    ///   - check: Verifies the evidence before it is returned.
    ///   - threads: Where the TPM is waited for.
    package init(
        tpm: AzureVTPM = AzureVTPM(), metadata: AzureMetadata, check: @escaping EvidenceCheck, threads: NIOThreadPool
    ) {
        self.tpm = tpm
        self.metadata = metadata
        self.check = check
        self.threads = threads
    }

    package func evidence(for reportData: ReportData) async throws -> [UInt8] {
        let (report, quote) = try await threads.runIfActive {
            (try tpm.report(), try tpm.quote(over: reportData.bytes))
        }
        guard report.kind == .snp else {
            throw DeviceError.malformed("the paravisor's report", reason: "it is not of SEV-SNP")
        }
        return try platform.evidence(
            [
                "version": 1, "tpm_quote": quote.json, "hcl_report": .string(Base64.encodeURL(report.bytes)),
                "vcek": .string(Base64.encodeURL(try await metadata.vcek())),
            ], checkedBy: check)
    }
}
