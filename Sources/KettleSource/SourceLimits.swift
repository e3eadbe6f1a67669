import KettleArchive

/// How much of a source is taken in before it is refused. The same for archives and for git.
package struct SourceLimits: Sendable, Hashable {
    /// Files, folders and links together, also folders that are only named in the path of a file.
    package var entries: Int
    /// All files together, unpacked, in bytes.
    package var bytes: Int64
    /// How many times larger than its archive a source may be, once it is larger than ``ratioFloorBytes``.
    package var ratio: Int64
    /// Below this many unpacked bytes the ratio means nothing: small text compresses very well.
    package var ratioFloorBytes: Int64
    /// Folders above an entry, and the entry itself.
    package var depth: Int
    /// One component of a path, in bytes.
    package var nameBytes: Int
    /// A whole path, in bytes.
    package var pathBytes: Int
    /// The target of a symbolic link, in bytes.
    package var linkBytes: Int
    /// Components followed when the targets of all links are checked.
    package var linkSteps: Int
    /// Submodules of a repository and of its submodules together.
    package var submodules: Int
    /// Submodules inside one another.
    package var submoduleDepth: Int

    package init(
        entries: Int = 200_000, bytes: Int64 = 8 << 30, ratio: Int64 = 250, ratioFloorBytes: Int64 = 16 << 20,
        depth: Int = 64, nameBytes: Int = 255, pathBytes: Int = 4096, linkBytes: Int = 4095,
        linkSteps: Int = 10_000_000, submodules: Int = 128,
        submoduleDepth: Int = 8
    ) {
        self.entries = entries
        self.bytes = bytes
        self.ratio = ratio
        self.ratioFloorBytes = ratioFloorBytes
        self.depth = depth
        self.nameBytes = nameBytes
        self.pathBytes = pathBytes
        self.linkBytes = linkBytes
        self.linkSteps = linkSteps
        self.submodules = submodules
        self.submoduleDepth = submoduleDepth
    }

    /// What a build service needs.
    package static let standard = SourceLimits()
}

extension SourceLimits {
    /// Those that an archive is held to before anything of it is unpacked.
    var archive: ArchiveLimits {
        ArchiveLimits(
            entries: entries, bytes: bytes, ratio: ratio, ratioFloorBytes: ratioFloorBytes, linkBytes: linkBytes)
    }
}
