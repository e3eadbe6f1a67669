public import KettleProvenance

/// What evidence signs along for us: SHA-256(provenance.json) ‖ nonce, 48 bytes.
///
/// On SNP and TDX it is zero-padded to the 64 bytes of `report_data`; on Azure it is the TPM quote's extraData as it is.
public struct ReportData: Hashable, Sendable {
    /// The number of bytes that are signed.
    public static let byteCount = ContentDigest.byteCount + BuildNonce.byteCount

    /// The digest of the statement's bytes, as they lie in `provenance.json`.
    public let statement: ContentDigest
    /// The requester's nonce, ``BuildNonce/zero`` if there was none.
    public let nonce: BuildNonce

    public init(statement: ContentDigest, nonce: BuildNonce) {
        self.statement = statement
        self.nonce = nonce
    }

    /// What evidence signs along for the key with which a service terminates TLS: SHA-256(key ‖ nonce) ‖ 16 zeros.
    ///
    /// It cannot pass for evidence of a build, nor a build's for it: a statement is a JSON object and begins with a brace, a DER key
    /// with the byte 0x30, so that no statement has this digest. The nonce has a fixed length and comes last, so that no other
    /// key and nonce are these bytes.
    ///
    /// - Parameters:
    ///   - tlsKey: The DER SubjectPublicKeyInfo.
    ///   - nonce: Of the one who asks.
    public init(tlsKey: [UInt8], nonce: BuildNonce) {
        self.init(statement: ContentDigest(of: tlsKey + nonce.bytes), nonce: .zero)
    }

    /// Nil unless there are 48 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount,
            let statement = ContentDigest(bytes: Array(bytes.prefix(ContentDigest.byteCount))),
            let nonce = BuildNonce(bytes: Array(bytes.dropFirst(ContentDigest.byteCount)))
        else { return nil }
        self.init(statement: statement, nonce: nonce)
    }

    /// The 48 bytes.
    public var bytes: [UInt8] { statement.bytes + nonce.bytes }
}
