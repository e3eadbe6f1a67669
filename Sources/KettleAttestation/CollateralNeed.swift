/// What the chip makers have to publish for a piece of evidence to be judged whole.
package enum CollateralNeed: Hashable, Sendable {
    /// Intel's TCB info of a platform family and the revocation list of the CA that issued its certificate.
    case intel(fmspc: [UInt8], authority: IntelAuthority)
    /// AMD's revocation list of a product, for one kind of key.
    case amd(SNPProduct, SNPSigningKey)

    /// As Intel's service names them.
    package enum IntelAuthority: String, Hashable, Sendable {
        case platform
        case processor
    }
}

extension VerifiedHardwareEvidence {
    package var collateralNeed: CollateralNeed {
        switch hardware {
        case .snp(let verified): .amd(verified.product, verified.report.signingKey)
        case .tdx(let verified):
            .intel(
                fmspc: verified.chain.platform.fmspc,
                authority: verified.chain.intermediate.commonName.contains("Processor") ? .processor : .platform)
        }
    }
}
