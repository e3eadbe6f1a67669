package import KettleProvenance
package import KettleSource

/// What a lockfile pins, believed for its form alone.
package struct LockedInputs: Sendable, Hashable {
    /// The lockfile, byte for byte.
    package var lockfile: [UInt8]

    /// In the lockfile's order.
    package var packages: [LockedPackage]

    /// The repositories that ``Toolchain/repositories(of:layout:)`` asked for, once they are fetched.
    package var repositories: [GitMirror] = []

    package init(lockfile: [UInt8], packages: [LockedPackage]) {
        self.lockfile = lockfile
        self.packages = packages
    }
}

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
    /// What it needs, by place in ``LockedInputs/packages``.
    package var dependencies: [Int]

    package init(name: String, version: String, origin: Origin, dependencies: [Int] = []) {
        self.name = name
        self.version = version
        self.origin = origin
        self.dependencies = dependencies
    }
}
