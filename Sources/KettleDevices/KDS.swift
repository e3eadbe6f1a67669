import KettleProvenance

/// AMD's Key Distribution Service, which gives out the certificates of chips (AMD 57230 rev. 1.00, "VCEK Certificate and KDS
/// Interface Specification").
package enum KDS {
    /// Where AMD has it.
    package static let standardBase = "https://kdsintf.amd.com"

    /// A processor family, as the service names it. Bergamo and Siena count as Genoa.
    package enum Product: String, Hashable, Sendable {
        case milan = "Milan"
        case genoa = "Genoa"
        case turin = "Turin"
    }

    /// The security versions of a chip's firmware.
    package struct TCB: Hashable, Sendable {
        /// Only Turin has one.
        package var fmc: UInt8?
        package var bootloader: UInt8
        package var tee: UInt8
        package var snp: UInt8
        package var microcode: UInt8

        package init(fmc: UInt8? = nil, bootloader: UInt8, tee: UInt8, snp: UInt8, microcode: UInt8) {
            self.fmc = fmc
            self.bootloader = bootloader
            self.tee = tee
            self.snp = snp
            self.microcode = microcode
        }
    }

    /// Where the certificate of a chip's key is, in DER.
    ///
    /// - Parameters:
    ///   - base: The service, without a slash at its end.
    ///   - product: The chip's family.
    ///   - chipID: CHIP_ID of the report, 64 bytes. Turin's are 8 and zeros.
    ///   - tcb: REPORTED_TCB of the report: the key depends on it.
    package static func vcekURL(base: String = standardBase, product: Product, chipID: [UInt8], tcb: TCB) -> String {
        let id = product == .turin ? Array(chipID.prefix(8)) : chipID
        var levels: [(name: String, value: UInt8)] = [
            ("blSPL", tcb.bootloader), ("teeSPL", tcb.tee), ("snpSPL", tcb.snp), ("ucodeSPL", tcb.microcode),
        ]
        if let fmc = tcb.fmc { levels.insert(("fmcSPL", fmc), at: 0) }
        let query = levels.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        return "\(base)/vcek/v1/\(product.rawValue)/\(id.hexadecimal)?\(query)"
    }
}

/// Gives the certificate of a chip's key in DER, from AMD's service or a store of the operator's own.
package typealias EndorsementFetching =
    @Sendable (_ product: KDS.Product, _ chipID: [UInt8], _ tcb: KDS.TCB) async throws -> [UInt8]
