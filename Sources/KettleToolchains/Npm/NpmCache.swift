import Glibc
import SystemPackage

/// The tarballs of one build as npm's own cache has them: `_cacache/content-v2/<algorithm>/<2 digits>/<2 digits>/<rest>`
/// (cacache's `lib/content/path.js`).
///
/// npm looks a package of the lockfile up by its digest alone, without the cache's index (pacote's `FetcherBase`, the method
/// `tarballStream`), and checks the digest as it reads. So an offline npm finds these bytes, and nothing else.
enum NpmCache {
    static func path(in layout: BuildLayout) -> FilePath { layout.inputs.appending("npm") }

    static func make(in layout: BuildLayout) throws(ToolchainError) {
        try makeFolder(path(in: layout))
    }

    static func lay(
        _ digest: PinnedDigest, from store: PackageStore, in layout: BuildLayout
    ) throws(ToolchainError) {
        var folder = path(in: layout)
        let hex = digest.hex
        for part in [
            "_cacache", "content-v2", digest.algorithm.rawValue, String(hex.prefix(2)),
            String(hex.dropFirst(2).prefix(2)),
        ] {
            folder.append(part)
            try makeFolder(folder)
        }
        guard try store.copy(digest, to: folder.appending(String(hex.dropFirst(4)))) else {
            throw .missingPackage(hex)
        }
    }

    /// Readable to whoever builds, whatever the service's umask.
    private static func makeFolder(_ path: FilePath) throws(ToolchainError) {
        if mkdir(path.string, 0o755) == 0, chmod(path.string, 0o755) == 0 { return }
        guard errno == EEXIST else { throw .storageFailed(reason: String(cString: strerror(errno))) }
    }
}
