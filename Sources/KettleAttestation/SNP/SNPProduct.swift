/// A generation of AMD's processors with SEV-SNP. Each has roots of its own.
public enum SNPProduct: String, Hashable, Sendable, CaseIterable {
    case milan
    /// With Bergamo and Siena.
    case genoa
    case turin

    /// By the report's CPUID_FAM_ID and CPUID_MOD_ID (version 3 and later); nil for any other processor.
    init?(family: UInt8, model: UInt8) {
        switch (family, model) {
        case (0x19, 0x00...0x0F): self = .milan
        case (0x19, 0x10...0x1F), (0x19, 0xA0...0xAF): self = .genoa
        case (0x1A, 0x00...0x11): self = .turin
        default: return nil
        }
    }

    /// The product names that certificates of it bear, up to a dash (AMD 57230, section 3.1, PRODUCT_NAME).
    var certifiedNames: [String] {
        switch self {
        case .milan: ["Milan"]
        case .genoa: ["Genoa", "Bergamo", "Siena"]
        case .turin: ["Turin"]
        }
    }

    /// The name that AMD's key service has for it, and that its authorities' names end in: `SEV-Milan`, `SEV-VLEK-Milan`.
    package var authorityName: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}

/// Which key signed a report (KEY_INFO, SIGNING_KEY).
public enum SNPSigningKey: String, Hashable, Sendable {
    /// Versioned Chip Endorsement Key: of one chip.
    case vcek
    /// Versioned Loaded Endorsement Key: of a cloud's chips, given out by AMD.
    case vlek

    /// The common name of its certificates.
    var commonName: String { self == .vcek ? "SEV-VCEK" : "SEV-VLEK" }
}
