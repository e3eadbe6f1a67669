import KettleProvenance

/// A quote of Intel TDX: what the TDX module measured of a guest, signed by the platform's quoting enclave.
///
/// Integers are little-endian (Intel, "TDX DCAP Quoting Library API" rev. 0.9, appendix 3). Reading checks the layout alone:
/// whether it is genuine, ``EvidenceVerifier`` tells.
public struct TDXQuote: Hashable, Sendable {
    /// 4 or 5.
    public let version: Int
    /// What the quote is about.
    public let body: TDXReportBody
    /// Bytes that the quote's signature covers: header and body.
    let signed: [UInt8]
    /// r and s, big-endian, 32 bytes each.
    let signature: [UInt8]
    /// x and y of the attestation key, 32 bytes each.
    let attestationKey: [UInt8]
    /// The report of the quoting enclave.
    package let enclave: QEReport
    /// By the platform's key over the enclave's report, r and s.
    let enclaveSignature: [UInt8]
    /// What the enclave binds beside the attestation key.
    let authenticationData: [UInt8]
    /// Certificates in PEM: the platform's key, its issuer, the root.
    package let certificates: [UInt8]

    private static let headerByteCount = 48
    /// The id of Intel's quoting enclaves (QE Vendor ID, header offset 12).
    private static let vendor: [UInt8] = [
        0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07,
    ]

    /// Reads a quote. Zeros may follow it, which some platforms' fixed buffers end in.
    ///
    /// - Parameter bytes: The whole quote.
    /// - Throws: ``EvidenceError`` with a reason that begins with `quote.`.
    public init(parsing bytes: [UInt8]) throws(EvidenceError) {
        var reader = ByteReader(bytes[...])
        guard let header = reader.take(Self.headerByteCount).flatMap({ ByteLayout($0, count: Self.headerByteCount) })
        else { throw .short }
        let version = Int(header.uint16(littleEndian: 0))
        guard version == 4 || version == 5 else {
            throw EvidenceError(
                .quoteVersion, "the quote's version is unknown", expected: "4 or 5", actual: "\(version)")
        }
        let keyType = header.uint16(littleEndian: 2)
        guard keyType == 2 else {
            throw EvidenceError(
                .quoteKeyType, "the attestation key's type is unknown", expected: "2 (ECDSA P-256)",
                actual: "\(keyType)")
        }
        let teeType = header.uint32(littleEndian: 4)
        guard teeType == 0x81 else {
            throw EvidenceError(
                .quoteTEEType, "the quote is not of TDX", expected: "0x81", actual: "0x\(String(teeType, radix: 16))")
        }
        guard header.field(12, 16) == Self.vendor else {
            throw EvidenceError(
                .quoteVendor, "the quoting enclave is not Intel's", expected: Self.vendor.hexadecimal,
                actual: header.field(12, 16).hexadecimal)
        }
        self.version = version
        body = try Self.body(&reader, version)
        signed = Array(bytes[..<(bytes.count - reader.remaining)])

        guard let length = reader.uint32LittleEndian(), let data = reader.take(length) else { throw .short }
        guard reader.rest.allSatisfy({ $0 == 0 }) else {
            throw EvidenceError(.quoteTrailing, "something follows the quote")
        }
        var parts = ByteReader(data)
        guard let signature = parts.take(64), let key = parts.take(64) else { throw .short }
        self.signature = Array(signature)
        attestationKey = Array(key)
        var outer = try Self.certification(&parts, type: 6)
        guard let report = outer.take(QEReport.byteCount), let enclaveSignature = outer.take(64),
            let count = outer.uint16LittleEndian(), let authentication = outer.take(count)
        else { throw .short }
        enclave = try QEReport(parsing: Array(report))
        self.enclaveSignature = Array(enclaveSignature)
        authenticationData = Array(authentication)
        certificates = Array(try Self.certification(&outer, type: 5).rest)
    }

    private static func body(_ reader: inout ByteReader, _ version: Int) throws(EvidenceError) -> TDXReportBody {
        var isExtended = false
        if version == 5 {
            guard let type = reader.uint16LittleEndian(), let size = reader.uint32LittleEndian() else { throw .short }
            switch (type, size) {
            case (2, TDXReportBody.byteCount): break
            case (3, TDXReportBody.extendedByteCount): isExtended = true
            default:
                throw EvidenceError(
                    .quoteBodyType, "the quote's body is of an unknown type or size",
                    expected: "type 2 of 584 bytes, or type 3 of 648", actual: "type \(type) of \(size) bytes")
            }
        }
        let count = isExtended ? TDXReportBody.extendedByteCount : TDXReportBody.byteCount
        guard let bytes = reader.take(count), let layout = ByteLayout(bytes, count: count) else { throw .short }
        return TDXReportBody(layout)
    }

    /// Certification data: its type in two bytes, its size in four, and itself, up to the end of what it stands in.
    private static func certification(_ reader: inout ByteReader, type: Int) throws(EvidenceError) -> ByteReader {
        guard let actual = reader.uint16LittleEndian() else { throw .short }
        guard actual == type else {
            throw EvidenceError(
                .quoteCertificationType, "the certification data is of another type", expected: "\(type)",
                actual: "\(actual)")
        }
        guard let size = reader.uint32LittleEndian(), let data = reader.take(size), reader.remaining == 0 else {
            throw .short
        }
        return ByteReader(data)
    }
}

extension EvidenceError {
    fileprivate static var short: EvidenceError {
        EvidenceError(.quoteLength, "the sizes in the quote do not add up to its length")
    }
}

/// What the TDX module reports of a guest (Intel, "TDX Module 1.5 ABI", TDREPORT_STRUCT and TDINFO_STRUCT).
public struct TDXReportBody: Hashable, Sendable {
    static let byteCount = 584
    static let extendedByteCount = 648

    /// Whether it is of the form of TDX 1.5, which has two more members.
    public let isExtended: Bool
    /// TEE_TCB_SVN at 0, 16 bytes: the module's minor version, its major version, and more.
    public let teeTCBSVN: [UInt8]
    /// MRSEAM at 16, 48 bytes: the TDX module.
    public let mrSEAM: [UInt8]
    /// MRSIGNERSEAM at 64, 48 bytes: zeros for Intel's modules.
    public let mrSignerSEAM: [UInt8]
    /// SEAMATTRIBUTES at 112, 8 bytes.
    public let seamAttributes: [UInt8]
    /// TDATTRIBUTES at 120, 8 bytes. Bits 7:0 make a guest untrusted; bit 0 is DEBUG.
    public let attributes: [UInt8]
    /// XFAM at 128, 8 bytes.
    public let xfam: [UInt8]
    /// MRTD at 136, 48 bytes: the launch digest.
    public let mrTD: [UInt8]
    /// MRCONFIGID at 184, MROWNER at 232 and MROWNERCONFIG at 280, 48 bytes each.
    public let mrConfigID: [UInt8]
    public let mrOwner: [UInt8]
    public let mrOwnerConfig: [UInt8]
    /// RTMR0 to RTMR3 at 328, 48 bytes each: what the guest measured as it ran.
    public let rtmr: [[UInt8]]
    /// REPORTDATA at 520, 64 bytes.
    public let reportData: [UInt8]
    /// MRSERVICETD at 600, 48 bytes, in the form of TDX 1.5: service guests, such as one that migrates this one.
    public let mrServiceTD: [UInt8]?

    init(_ layout: ByteLayout) {
        isExtended = layout.bytes.count == Self.extendedByteCount
        teeTCBSVN = layout.field(0, 16)
        mrSEAM = layout.field(16, 48)
        mrSignerSEAM = layout.field(64, 48)
        seamAttributes = layout.field(112, 8)
        attributes = layout.field(120, 8)
        xfam = layout.field(128, 8)
        mrTD = layout.field(136, 48)
        mrConfigID = layout.field(184, 48)
        mrOwner = layout.field(232, 48)
        mrOwnerConfig = layout.field(280, 48)
        rtmr = (0..<4).map { layout.field(328 + 48 * $0, 48) }
        reportData = layout.field(520, 64)
        mrServiceTD = isExtended ? layout.field(600, 48) : nil
    }

    /// Whether the host may look into the guest.
    public var isDebug: Bool { (attributes.first ?? 0) & 1 == 1 }
    /// Bit 29, MIGRATABLE: a migration guest, which the host chooses and MRTD does not cover, may take the guest elsewhere.
    public var isMigratable: Bool { attributes.count == 8 && attributes[3] & 0x20 != 0 }
}

/// The report of an SGX enclave, 384 bytes (Intel SDM vol. 3D, table 39-21, REPORT without its MAC).
package struct QEReport: Hashable, Sendable {
    static let byteCount = 384

    let bytes: [UInt8]
    /// MISCSELECT at 16, 4 bytes.
    let miscSelect: [UInt8]
    /// ATTRIBUTES at 48, 16 bytes.
    let attributes: [UInt8]
    /// MRSIGNER at 128, 32 bytes.
    let mrSigner: [UInt8]
    /// ISVPRODID at 256 and ISVSVN at 258.
    let productID: Int
    let securityVersion: Int
    /// REPORTDATA at 320, 64 bytes.
    let reportData: [UInt8]

    init(parsing bytes: [UInt8]) throws(EvidenceError) {
        guard let layout = ByteLayout(bytes, count: Self.byteCount) else { throw .short }
        self.bytes = bytes
        miscSelect = layout.field(16, 4)
        attributes = layout.field(48, 16)
        mrSigner = layout.field(128, 32)
        productID = Int(layout.uint16(littleEndian: 256))
        securityVersion = Int(layout.uint16(littleEndian: 258))
        reportData = layout.field(320, 64)
    }
}
