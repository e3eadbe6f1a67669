import KettleProvenance

/// What vouches for a build: a kind of trusted hardware, or a software key.
public enum Platform: String, Hashable, Sendable, CaseIterable {
    /// A key in a file. Shows who built, and nothing of the machine.
    case software
    case snp = "sev-snp"
    case tdx
    case azureSNP = "az-snp"
    case azureTDX = "az-tdx"

    /// Whether the evidence is signed by hardware rather than by a key that an operator holds.
    public var isHardware: Bool { self != .software }

    /// `builder.id` of what is built there: `https://kettle.build/builder/<platform>/v1`.
    public var builderID: String { Statement.builderID(platform: rawValue) }

    /// The name in `evidence.json`.
    public var evidenceName: String { self == .snp ? "snp" : rawValue }

    /// Reads the name in `evidence.json`, among them those that later tools write for the same bytes. A cloud's name there is
    /// the attester's word and proves nothing about the cloud.
    public init?(evidenceName: String) {
        switch evidenceName {
        case "software": self = .software
        case "snp", "gcp-snp": self = .snp
        case "tdx", "gcp-tdx", "dstack": self = .tdx
        case "az-snp": self = .azureSNP
        case "az-tdx": self = .azureTDX
        default: return nil
        }
    }
}
