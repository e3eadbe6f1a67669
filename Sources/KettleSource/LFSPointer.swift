package import KettleProvenance

/// A file of a repository that stands for a larger one, which Git LFS keeps elsewhere.
///
///     version https://git-lfs.github.com/spec/v1
///     oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
///     size 12345
///
/// (Git LFS specification, "The Pointer"; lines end in LF.)
struct LFSPointer: Sendable, Hashable {
    /// No pointer is longer (Git LFS specification: less than 1024 bytes).
    static let limitInBytes = 1024

    var digest: ContentDigest
    /// Of the file that it stands for, in bytes.
    var size: Int64

    /// Nil for what git-lfs would leave as it is: any other file, and a pointer with extensions, which Kettle does not run.
    init?(parsing bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 4, lines[3].isEmpty, lines[0] == "version https://git-lfs.github.com/spec/v1",
            lines[1].hasPrefix("oid sha256:"), lines[2].hasPrefix("size "),
            let digest = ContentDigest(hex: String(lines[1].dropFirst("oid sha256:".count))),
            let size = Int64(lines[2].dropFirst("size ".count)), size >= 0, lines[2] == "size \(size)"
        else { return nil }
        self.digest = digest
        self.size = size
    }
}

/// A file that Git LFS kept, as it was written in the place of its pointer.
package struct LFSFile: Sendable, Hashable {
    /// From the source's root.
    package var path: String
    /// Of the bytes that were written.
    package var digest: ContentDigest
    package var size: Int64
}
