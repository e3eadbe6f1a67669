import Glibc
package import KettleProvenance
package import SystemPackage

/// Every artifact once, by its SHA-256, however many builds made it.
///
/// The file of a build and that of the pool are hard links to the same bytes, so the file system counts who needs them, and a
/// process that dies in between leaves nothing that ``sweep()`` does not find.
///
/// Blocks: call it on a thread of its own.
package struct ArtifactPool: Sendable {
    private let folder: FilePath

    package init(_ data: DataFolder) {
        folder = data.artifacts
    }

    private func path(_ digest: ContentDigest) -> FilePath { folder.appending(digest.hex) }

    /// Makes a build's file one with the pool's. Where that is not possible the build keeps a file of its own.
    ///
    /// The pool's is read before it is relied on: after a power cut it can have its size and not its bytes. Then the build's takes
    /// its place.
    ///
    /// - Parameters:
    ///   - file: Hashed while it was written, and nobody else's yet.
    ///   - size: Its size in bytes.
    package func share(_ file: FilePath, _ digest: ContentDigest, size: Int64) {
        let pooled = path(digest)
        if link(file.string, pooled.string) == 0 { return }
        guard errno == EEXIST else { return }
        let draft = file.string + ".shared"
        let (kept, replaced) =
            holds(pooled, digest, size: size) ? (pooled.string, file.string) : (file.string, pooled.string)
        // Fails where a file has as many links as it can have: then it is kept twice.
        guard link(kept, draft) == 0 else { return }
        if rename(draft, replaced) != 0 { unlink(draft) }
    }

    private func holds(_ path: FilePath, _ digest: ContentDigest, size: Int64) -> Bool {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size == off_t(size) else { return false }
        return (try? ContentDigest.ofFile(descriptor: descriptor)) == digest
    }

    /// Forgets an artifact that no build has any more.
    package func release(_ digest: ContentDigest) {
        release(path(digest))
    }

    /// Forgets every artifact that no build has.
    ///
    /// - Throws: ``StoreError/readFailed(what:reason:)``.
    package func sweep() throws(StoreError) {
        for name in try FolderListing.names(in: folder) {
            guard let component = FilePath.Component(name) else { continue }
            release(folder.appending(component))
        }
    }

    /// A build that shares the file between the look and the removal keeps its own link, and with it the bytes.
    private func release(_ path: FilePath) {
        var status = stat()
        if lstat(path.string, &status) == 0, status.st_nlink == 1 { unlink(path.string) }
    }
}
