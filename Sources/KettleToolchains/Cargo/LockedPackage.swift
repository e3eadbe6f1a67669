package import KettleProvenance

/// One package of a lockfile.
package struct LockedPackage: Sendable, Hashable {
    /// Where it comes from.
    package enum Origin: Sendable, Hashable {
        /// A folder of the source itself.
        case source
        /// The package manager's public registry, with the digest of the archive that holds the package.
        case publicRegistry(ContentDigest)
        /// Another registry, by its URL.
        case registry(String, ContentDigest)
        /// A commit of a git repository, in hexadecimal.
        case git(url: String, commit: String)
    }

    package var name: String
    package var version: String
    package var origin: Origin
    /// What it needs, by place among the packages of the lockfile.
    package var dependencies: [Int]

    package init(name: String, version: String, origin: Origin, dependencies: [Int] = []) {
        self.name = name
        self.version = version
        self.origin = origin
        self.dependencies = dependencies
    }
}
