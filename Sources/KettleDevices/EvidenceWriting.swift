package import KettleAttestation
import KettleProvenance
import NIOPosix

/// Verifies fresh evidence before anyone sees it; throws when it would be rejected.
package typealias EvidenceCheck = @Sendable (Evidence) throws -> Void

extension Platform {
    /// Writes `evidence.json` and has it checked.
    func evidence(_ members: [String: JSONValue], checkedBy check: EvidenceCheck) throws -> [UInt8] {
        let envelope = JSONValue.object(["platform": .string(evidenceName), "evidence": .object(members)])
        let bytes = envelope.canonicalBytes()
        try check(Evidence(parsing: bytes))
        return bytes
    }
}

extension ReportData {
    /// The 64 bytes that a report or quote carries.
    var padded: [UInt8] { bytes + [UInt8](repeating: 0, count: ConfigfsTSM.reportDataByteCount - bytes.count) }
}

extension AzureVTPM.Quote {
    /// The member `tpm_quote`.
    var json: JSONValue {
        .object([
            "signature": .string(signature.hexadecimal), "message": .string(message.hexadecimal),
            "pcrs": .array(registers.map { .string($0.hexadecimal) }),
        ])
    }
}
