/// Something that makes evidence: a trusted machine, or a software key.
public protocol Attester: Sendable {
    /// What the evidence will be of.
    var platform: Platform { get }

    /// Makes evidence over a statement's digest and the requester's nonce.
    ///
    /// - Returns: The bytes of `evidence.json`.
    func evidence(for reportData: ReportData) async throws -> [UInt8]
}
