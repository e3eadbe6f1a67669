package import KettleProvenance

/// What the chip makers publish beside their certificates, as files: to judge firmware and revocation by, without a network.
public struct Collateral: Hashable, Sendable {
    /// The name of the file with AMD's revocation list, in DER.
    public static let amdFileName = "amd_crl.der"
    /// The name of the file with the certificate of the VCEK or VLEK, in DER, for evidence that came without.
    public static let endorsementFileName = "vek.der"
    /// The longest file that is taken: 4 MiB.
    public static let limitInBytes = 4 * 1024 * 1024
    /// The names of all files that may be there.
    public static let fileNames = Set(TDXCollateral.fileNames + [amdFileName, endorsementFileName])

    /// Intel's set, where it is there.
    public var tdx: TDXCollateral?
    /// AMD's revocation list, where it is there.
    public var amdRevocations: [UInt8]?
    /// The certificate of the VCEK or VLEK that signed, for evidence that came without.
    public var endorsement: [UInt8]?

    /// Tells this collateral from other: SHA-256 over the SHA-256 of each file that is there, by name.
    package var digest: ContentDigest {
        let files = [
            tdx?.tcbInfo, tdx?.tcbChain, tdx?.enclaveIdentity, tdx?.enclaveChain, tdx?.rootRevocations,
            tdx?.platformRevocations, amdRevocations, endorsement,
        ]
        return ContentDigest(of: files.flatMap { ContentDigest(of: $0 ?? []).bytes })
    }

    /// Reads what a folder holds.
    ///
    /// - Parameter files: By name. Others than ``fileNames`` are passed over; none at all is no collateral.
    /// - Throws: ``EvidenceError``, `collateral.missing`, when some of Intel's six files are there and others not.
    public init(files: [String: [UInt8]]) throws(EvidenceError) {
        amdRevocations = files[Self.amdFileName]
        endorsement = files[Self.endorsementFileName]
        tdx = TDXCollateral(files: files)
        guard tdx == nil, let missing = TDXCollateral.fileNames.first(where: { files[$0] == nil }) else { return }
        guard TDXCollateral.fileNames.allSatisfy({ files[$0] == nil }) else {
            throw EvidenceError(.collateralMissing, "the collateral lacks \(missing), and a part of it says nothing")
        }
    }
}
