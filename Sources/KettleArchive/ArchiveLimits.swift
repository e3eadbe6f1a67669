/// How much of an archive is read before it is refused.
package struct ArchiveLimits: Sendable, Hashable {
    package var entries: Int
    /// All entries together, unpacked, in bytes.
    package var bytes: Int64
    /// How many times larger than its archive the content may be, once it is larger than ``ratioFloorBytes``.
    package var ratio: Int64
    /// Below this many unpacked bytes the ratio means nothing: small text compresses very well.
    package var ratioFloorBytes: Int64
    /// The target of a symbolic link, in bytes.
    package var linkBytes: Int

    package init(entries: Int, bytes: Int64, ratio: Int64, ratioFloorBytes: Int64, linkBytes: Int) {
        self.entries = entries
        self.bytes = bytes
        self.ratio = ratio
        self.ratioFloorBytes = ratioFloorBytes
        self.linkBytes = linkBytes
    }
}
