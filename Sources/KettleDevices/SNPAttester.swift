package import KettleAttestation
import KettleProvenance
package import NIOPosix

/// Has AMD SEV-SNP vouch for a build.
package struct SNPAttester: Attester {
    package let platform = Platform.snp

    private let configfs: ConfigfsTSM
    private let device: SEVGuestDevice
    private let privilegeLevel: Int?
    private let endorsement: EndorsementFetching
    private let check: EvidenceCheck
    private let threads: NIOThreadPool

    /// - Parameters:
    ///   - configfs: What is asked for reports.
    ///   - device: What is asked where the kernel has no configfs-tsm.
    ///   - privilegeLevel: The guest's level to report for; nil leaves the choice to the kernel.
    ///   - endorsement: Asked for the certificate of the chip's key when the host does not give one that fits.
    ///   - check: Verifies the evidence before it is returned.
    ///   - threads: Where the hardware is waited for.
    package init(
        configfs: ConfigfsTSM = ConfigfsTSM(), device: SEVGuestDevice = SEVGuestDevice(), privilegeLevel: Int? = nil,
        endorsement: @escaping EndorsementFetching, check: @escaping EvidenceCheck, threads: NIOThreadPool
    ) {
        self.configfs = configfs
        self.device = device
        self.privilegeLevel = privilegeLevel
        self.endorsement = endorsement
        self.check = check
        self.threads = threads
    }

    package func evidence(for reportData: ReportData) async throws -> [UInt8] {
        let data = reportData.padded
        let (report, table) = try await threads.runIfActive { try ask(for: data) }
        let fields = try read(report)
        guard fields.reportData == data else { throw DeviceError.notOurReportData("the SNP report") }

        guard let given = try certificate(for: fields.signingKey, in: table) else {
            return try evidence(report, endorsedBy: try await fetchEndorsement(for: fields))
        }
        do {
            return try evidence(report, endorsedBy: given)
        } catch {
            // A host that has updated its firmware may still hand out the certificate of the key before.
            guard fields.signingKey == .vcek, let fetched = try? await fetchEndorsement(for: fields), fetched != given
            else { throw error }
            return try evidence(report, endorsedBy: fetched)
        }
    }

    private func ask(for data: [UInt8]) throws(DeviceError) -> (report: [UInt8], table: [UInt8]) {
        do {
            let answer = try configfs.report(of: .sevGuest, over: data, privilegeLevel: privilegeLevel)
            return (answer.outblob, answer.auxblob)
        } catch DeviceError.absent(.configfs) {
            let answer = try device.report(over: data, privilegeLevel: privilegeLevel ?? 0)
            return (answer.report, answer.table)
        }
    }

    /// Nothing is verified by reading it: that is for ``check``.
    private func read(_ report: [UInt8]) throws(DeviceError) -> SNPReport {
        guard report.count == SNPReport.byteCount else {
            throw .wrongLength("the SNP report", expected: SNPReport.byteCount, actual: report.count)
        }
        do {
            return try SNPReport(parsing: report)
        } catch {
            throw .malformed("the SNP report", reason: error.message)
        }
    }

    private func evidence(_ report: [UInt8], endorsedBy certificate: [UInt8]) throws -> [UInt8] {
        let chain: [String: JSONValue] = ["vcek": .string(Base64.encode(certificate)), "ask": .null, "ark": .null]
        return try platform.evidence(
            ["attestation_report": .string(Base64.encode(report)), "cert_chain": .object(chain)], checkedBy: check)
    }

    // MARK: - The certificate of the chip's key

    private func certificate(
        for signer: SNPSigningKey, in table: [UInt8]
    ) throws(DeviceError) -> [UInt8]? {
        let certificates = try CertificateTable(parsing: table).certificates
        return switch signer {
        case .vcek: certificates[.vcek]
        case .vlek: certificates[.vlek]
        }
    }

    private func fetchEndorsement(for fields: SNPReport) async throws -> [UInt8] {
        guard fields.signingKey == .vcek else {
            throw DeviceError.noEndorsement(reason: "a VLEK signed, and the host did not hand out its certificate")
        }
        guard let product = fields.product else {
            throw DeviceError.noEndorsement(reason: "the report does not tell the processor's family")
        }
        guard !fields.chipID.allSatisfy({ $0 == 0 }) else {
            throw DeviceError.noEndorsement(reason: "the host hides which chip signed")
        }
        let answer = try await endorsement(product, fields.chipID, fields.reportedTCB(of: product))
        guard let certificate = PEM.oneCertificate(in: answer) else { throw DeviceError.noCertificate }
        return certificate
    }
}
