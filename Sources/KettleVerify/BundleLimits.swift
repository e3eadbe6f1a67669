/// How much of a bundle is read before it is refused. A bundle comes from anyone.
public struct BundleLimits: Sendable, Hashable {
    /// Files and folders together.
    public var entries: Int
    /// All files together, unpacked.
    public var bytes: Int64
    /// `provenance.json`.
    public var statementBytes: Int
    /// `evidence.json`.
    public var evidenceBytes: Int
    /// A path inside the bundle.
    public var pathBytes: Int

    public init(
        entries: Int = 10_000, bytes: Int64 = 8 << 30, statementBytes: Int = 16 << 20, evidenceBytes: Int = 10 << 20,
        pathBytes: Int = 1024
    ) {
        self.entries = entries
        self.bytes = bytes
        self.statementBytes = statementBytes
        self.evidenceBytes = evidenceBytes
        self.pathBytes = pathBytes
    }

    /// 10,000 entries, 8 GiB, a statement of 16 MiB, evidence of 10 MiB, paths of 1,024 bytes.
    public static let standard = BundleLimits()
}
