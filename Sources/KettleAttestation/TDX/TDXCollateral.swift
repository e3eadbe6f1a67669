/// What Intel publishes to judge a TDX platform by, as a folder of six files. All or nothing.
public struct TDXCollateral: Hashable, Sendable {
    /// `tcb_info.json` and `tcb_signing_chain.pem`.
    public let tcbInfo: [UInt8]
    public let tcbChain: [UInt8]
    /// `qe_identity.json` and `qe_identity_signing_chain.pem`.
    public let enclaveIdentity: [UInt8]
    public let enclaveChain: [UInt8]
    /// `root_ca_crl.der` and `pck_crl.der`.
    public let rootRevocations: [UInt8]
    public let platformRevocations: [UInt8]

    /// The names of its files.
    public static let fileNames = [
        "tcb_info.json", "tcb_signing_chain.pem", "qe_identity.json", "qe_identity_signing_chain.pem",
        "root_ca_crl.der", "pck_crl.der",
    ]

    /// - Parameter files: By name. Nil unless all six are there.
    public init?(files: [String: [UInt8]]) {
        let contents = Self.fileNames.compactMap { files[$0] }
        guard contents.count == Self.fileNames.count else { return nil }
        (tcbInfo, tcbChain, enclaveIdentity) = (contents[0], contents[1], contents[2])
        (enclaveChain, rootRevocations, platformRevocations) = (contents[3], contents[4], contents[5])
    }
}
