package import KettleAttestation
import KettleProvenance

/// AMD's Key Distribution Service, which gives out the certificates of chips (AMD 57230 rev. 1.00, "VCEK Certificate and KDS
/// Interface Specification").
package enum KDS {
    /// Where AMD has it.
    package static let standardBase = "https://kdsintf.amd.com"

    /// Where the certificate of a chip's key is, in DER.
    ///
    /// - Parameters:
    ///   - base: The service, without a slash at its end.
    ///   - product: The chip's family.
    ///   - chipID: CHIP_ID of the report, 64 bytes. Turin's are 8 and zeros.
    ///   - tcb: REPORTED_TCB of the report: the key depends on it.
    package static func vcekURL(
        base: String = standardBase, product: SNPProduct, chipID: [UInt8], tcb: SNPTCB
    ) -> String {
        let id = product == .turin ? Array(chipID.prefix(8)) : chipID
        let levels = SNPTCB.Part.allCases.compactMap { part in
            tcb.versions[part].map { "\(parameter(part))=\($0)" }
        }
        return "\(base)/vcek/v1/\(product.authorityName)/\(id.hexadecimal)?\(levels.joined(separator: "&"))"
    }

    private static func parameter(_ part: SNPTCB.Part) -> String {
        switch part {
        case .fmc: "fmcSPL"
        case .bootloader: "blSPL"
        case .tee: "teeSPL"
        case .snp: "snpSPL"
        case .microcode: "ucodeSPL"
        }
    }
}

/// Gives the certificate of a chip's key in DER, from AMD's service or a store of the operator's own.
package typealias EndorsementFetching =
    @Sendable (_ product: SNPProduct, _ chipID: [UInt8], _ tcb: SNPTCB) async throws -> [UInt8]
