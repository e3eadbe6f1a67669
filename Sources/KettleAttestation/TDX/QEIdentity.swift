package import KettleProvenance

/// What Intel's quoting enclave for TDX looks like.
///
/// Not optional: the PCE of a genuine machine certifies the report of any enclave that its owner starts with the provisioning
/// attribute, so without this one SGX machine is enough to forge quotes of any guest.
package struct QEIdentity {
    let mrSigner: [UInt8]
    let productID: Int
    let attributes: [UInt8]
    let attributesMask: [UInt8]
    let miscSelect: [UInt8]
    let miscSelectMask: [UInt8]
    /// By ISVSVN, in the document's order; empty for the pinned identity.
    let levels: [(securityVersion: Int, level: TCBLevel)]

    /// What every identity that Intel published from 2023 to 2026 has, for quotes without collateral.
    static let pinned = QEIdentity(
        mrSigner: [
            0xDC, 0x9E, 0x2A, 0x7C, 0x6F, 0x94, 0x8F, 0x17, 0x47, 0x4E, 0x34, 0xA7, 0xFC, 0x43, 0xED, 0x03, 0x0F, 0x7C,
            0x15, 0x63, 0xF1, 0xBA, 0xBD, 0xDF, 0x63, 0x40, 0xC8, 0x2E, 0x0E, 0x54, 0xA8, 0xC5,
        ], productID: 2,
        // INIT and PROVISION_KEY, and so no DEBUG.
        attributes: [0x11] + Array(repeating: 0, count: 15),
        attributesMask: [0xFB] + Array(repeating: 0xFF, count: 7) + Array(repeating: 0, count: 8),
        miscSelect: [0, 0, 0, 0], miscSelectMask: [0xFF, 0xFF, 0xFF, 0xFF], levels: [])

    private init(
        mrSigner: [UInt8], productID: Int, attributes: [UInt8], attributesMask: [UInt8], miscSelect: [UInt8],
        miscSelectMask: [UInt8], levels: [(securityVersion: Int, level: TCBLevel)]
    ) {
        self.mrSigner = mrSigner
        self.productID = productID
        self.attributes = attributes
        self.attributesMask = attributesMask
        self.miscSelect = miscSelect
        self.miscSelectMask = miscSelectMask
        self.levels = levels
    }

    /// Reads `enclaveIdentity` (Intel PCS API v4, "Enclave Identity").
    package init(_ content: [String: JSONValue]) throws {
        guard try SignedCollateral.text(content, "id") == "TD_QE", try SignedCollateral.number(content, "version") == 2
        else { throw CollateralFault("id") }
        mrSigner = try SignedCollateral.bytes(content, "mrsigner", 32)
        productID = try SignedCollateral.number(content, "isvprodid")
        attributes = try SignedCollateral.bytes(content, "attributes", 16)
        attributesMask = try SignedCollateral.bytes(content, "attributesMask", 16)
        // Numbers are written most significant digit first there, and lie the other way round in the report.
        miscSelect = try SignedCollateral.bytes(content, "miscselect", 4).reversed()
        miscSelectMask = try SignedCollateral.bytes(content, "miscselectMask", 4).reversed()
        levels = try SignedCollateral.objects(content, "tcbLevels").map { object in
            guard let tcb = object["tcb"]?.objectValue else { throw CollateralFault("tcb") }
            return (try SignedCollateral.number(tcb, "isvsvn"), try TCBLevel(object))
        }
    }

    /// - Throws: ``EvidenceError``: `qe.identity`.
    package func check(_ report: QEReport) throws(EvidenceError) {
        func refuse(_ what: String, _ expected: String, _ actual: String) -> EvidenceError {
            EvidenceError(
                .enclaveIdentity, "the quote is not by Intel's quoting enclave for TDX: its \(what) differs",
                expected: expected, actual: actual)
        }
        guard report.mrSigner == mrSigner else {
            throw refuse("signer", mrSigner.hexadecimal, report.mrSigner.hexadecimal)
        }
        guard report.productID == productID else {
            throw refuse("product id", "\(productID)", "\(report.productID)")
        }
        guard report.attributes.masked(by: attributesMask) == attributes.masked(by: attributesMask) else {
            throw refuse("attributes", attributes.hexadecimal, report.attributes.hexadecimal)
        }
        guard report.miscSelect.masked(by: miscSelectMask) == miscSelect.masked(by: miscSelectMask) else {
            throw refuse("MISCSELECT", miscSelect.hexadecimal, report.miscSelect.hexadecimal)
        }
    }

    /// The level of an enclave's version.
    package func level(of report: QEReport) throws(EvidenceError) -> TCBLevel {
        guard let level = levels.first(where: { report.securityVersion >= $0.securityVersion })?.level else {
            throw EvidenceError(
                .tcbUnsupported, "the quoting enclave's version is below every level",
                actual: "\(report.securityVersion)")
        }
        return level
    }
}

extension [UInt8] {
    func masked(by mask: [UInt8]) -> [UInt8] { zip(self, mask).map { $0 & $1 } }
}
