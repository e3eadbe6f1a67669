import KettleProvenance

/// The report that AMD's firmware signs for one guest.
///
/// 1,184 bytes, integers little-endian (AMD 56860 rev. 1.58, table 23, ATTESTATION_REPORT). Reading checks the layout alone:
/// whether it is genuine, ``EvidenceVerifier`` tells.
public struct SNPReport: Hashable, Sendable {
    /// How long a report is.
    public static let byteCount = 1184
    /// What the signature covers: bytes 0x000 to 0x29F.
    static let signedByteCount = 0x2A0

    /// VERSION at 0x000: 2, 3, 4 or 5.
    public let version: UInt32
    /// GUEST_SVN at 0x004: what the guest's owner calls its version.
    public let guestSVN: UInt32
    /// POLICY at 0x008: what the guest's owner allows.
    public let policy: SNPGuestPolicy
    /// FAMILY_ID at 0x010, 16 bytes.
    public let familyID: [UInt8]
    /// IMAGE_ID at 0x020, 16 bytes.
    public let imageID: [UInt8]
    /// VMPL at 0x030: the privilege level of the one who asked for the report.
    public let vmpl: UInt32
    /// PLATFORM_INFO at 0x040.
    public let platformInfo: UInt64
    /// SIGNING_KEY, bits 4:2 of KEY_INFO at 0x048.
    public let signingKey: SNPSigningKey
    /// REPORT_DATA at 0x050, 64 bytes.
    public let reportData: [UInt8]
    /// MEASUREMENT at 0x090, 48 bytes: the launch digest.
    public let measurement: [UInt8]
    /// HOST_DATA at 0x0C0, 32 bytes.
    public let hostData: [UInt8]
    /// ID_KEY_DIGEST at 0x0E0 and AUTHOR_KEY_DIGEST at 0x110, 48 bytes each.
    public let idKeyDigest: [UInt8]
    public let authorKeyDigest: [UInt8]
    /// CHIP_ID at 0x1A0, 64 bytes; Turin's are 8 and zeros.
    public let chipID: [UInt8]
    /// CPUID family, model and stepping at 0x188; nil in version 2.
    public let cpuid: [UInt8]?
    /// CURRENT_TCB at 0x038, REPORTED_TCB at 0x180, COMMITTED_TCB at 0x1E0, LAUNCH_TCB at 0x1F0, eight bytes each. What they
    /// mean depends on the product.
    let currentTCB: [UInt8]
    let reportedTCB: [UInt8]
    let committedTCB: [UInt8]
    let launchTCB: [UInt8]
    /// Bytes 0x000 to 0x29F.
    let signed: [UInt8]
    /// R and S, big-endian, 48 bytes each; nil where bytes that nothing covers are not zero.
    let signature: [UInt8]?

    /// Reads a report as the device gives it, signature included.
    ///
    /// - Parameter bytes: The whole report.
    /// - Throws: ``EvidenceError``: `report.length`, `report.version`, `report.sigalgo` or `report.signer`.
    public init(parsing bytes: [UInt8]) throws(EvidenceError) {
        guard let layout = ByteLayout(bytes, count: Self.byteCount) else {
            throw EvidenceError(
                .reportLength, "the report is not \(Self.byteCount) bytes long", expected: "\(Self.byteCount)",
                actual: "\(bytes.count)")
        }
        version = layout.uint32(littleEndian: 0x000)
        guard (2...5).contains(version) else {
            throw EvidenceError(
                .reportVersion, "the report's version is unknown", expected: "2 to 5", actual: "\(version)")
        }
        // SIGNATURE_ALGO at 0x034; 1 is ECDSA P-384 with SHA-384 (AMD 56860, chapter 10).
        let algorithm = layout.uint32(littleEndian: 0x034)
        guard algorithm == 1 else {
            throw EvidenceError(
                .reportAlgorithm, "the report's signature algorithm is unknown", expected: "1", actual: "\(algorithm)")
        }
        switch layout.uint32(littleEndian: 0x048) >> 2 & 0b111 {
        case 0: signingKey = .vcek
        case 1: signingKey = .vlek
        case let key:
            throw EvidenceError(
                .reportSigner, "the report is signed by neither a VCEK nor a VLEK", expected: "0 or 1", actual: "\(key)"
            )
        }
        guestSVN = layout.uint32(littleEndian: 0x004)
        policy = SNPGuestPolicy(rawValue: layout.uint64(littleEndian: 0x008))
        familyID = layout.field(0x010, 16)
        imageID = layout.field(0x020, 16)
        vmpl = layout.uint32(littleEndian: 0x030)
        platformInfo = layout.uint64(littleEndian: 0x040)
        reportData = layout.field(0x050, 64)
        measurement = layout.field(0x090, 48)
        hostData = layout.field(0x0C0, 32)
        idKeyDigest = layout.field(0x0E0, 48)
        authorKeyDigest = layout.field(0x110, 48)
        chipID = layout.field(0x1A0, 64)
        cpuid = version >= 3 ? layout.field(0x188, 3) : nil
        currentTCB = layout.field(0x038, 8)
        reportedTCB = layout.field(0x180, 8)
        committedTCB = layout.field(0x1E0, 8)
        launchTCB = layout.field(0x1F0, 8)
        signed = layout.field(0, Self.signedByteCount)
        // Little-endian numbers of 72 bytes, of which 48 may be used; after them zeros to the end.
        let isClean = (layout.field(0x2A0 + 48, 24) + layout.field(0x2E8 + 48, 24) + layout.field(0x330, 368))
            .allSatisfy { $0 == 0 }
        signature = isClean ? layout.field(0x2A0, 48).reversed() + layout.field(0x2E8, 48).reversed() : nil
    }
}

extension SNPReport {
    /// The processor that the report names; nil in version 2, which names none, and for an unknown one.
    package var product: SNPProduct? { cpuid.flatMap { SNPProduct(family: $0[0], model: $0[1]) } }

    /// The firmware's versions that the key which signs is derived from, as `product` writes them.
    package func reportedTCB(of product: SNPProduct) -> SNPTCB { SNPTCB(reportedTCB, product: product) }
}

/// What a guest's owner allows (AMD 56860, section 4.3, GUEST_POLICY).
public struct SNPGuestPolicy: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Bit 16: the guest may run where hyperthreading is on.
    public var allowsMultithreading: Bool { has(16) }
    /// Bit 17 is reserved and one.
    var hasReservedBit: Bool { has(17) }
    /// Bit 18: the guest may be given to a migration agent, and so to another machine.
    public var allowsMigration: Bool { has(18) }
    /// Bit 19: the host may read and write the guest's memory.
    public var allowsDebug: Bool { has(19) }

    private func has(_ bit: UInt64) -> Bool { rawValue >> bit & 1 == 1 }
}
