import Glibc
import KettleProvenance
import SystemPackage

/// Which digests the registry has been seen to have for which packages: an empty file for each, named by both.
///
/// Tarballs are kept by digest alone. A lockfile that gives the digest of one kept package to another would otherwise be believed, and
/// a statement would name a package that is not there. So each package has to have come from its own place once.
struct RegistryPlaces {
    struct Pin: Sendable, Hashable {
        var package: NodePackageID
        var digest: PinnedDigest

        /// Of fixed length, whatever the package is called.
        fileprivate var id: String {
            ContentDigest(of: Array("\(package.text) \(digest.algorithm.rawValue):\(digest.hex)".utf8)).hex
        }

        /// What the tarball is called that is fetched for it.
        var fileName: String { "\(id).tgz" }
    }

    let folder: FilePath

    func has(_ pin: Pin) -> Bool { access(folder.appending(pin.id).string, F_OK) == 0 }

    /// Notes what has been fetched from the package's place, and had this digest.
    func note(_ pin: Pin) throws(ToolchainError) {
        if mkdir(folder.string, 0o700) != 0, errno != EEXIST { throw Self.failure() }
        let file = open(folder.appending(pin.id).string, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o400)
        guard file >= 0 else { throw Self.failure() }
        close(file)
    }

    private static func failure() -> ToolchainError { .storageFailed(reason: String(cString: strerror(errno))) }
}
