/// The archive of one package, as a lockfile pins it.
struct NodeTarball: Sendable, Hashable {
    enum Place: Sendable, Hashable {
        /// At ``NodePackageID/tarballPath`` of the public registry, or what stands in for it.
        case registry
        /// A file of the source, by its path relative to the source's root.
        case source(String)
    }

    var package: NodePackageID
    var digest: PinnedDigest
    var place: Place
}

extension NodePackageID {
    /// The addresses of the public registry in lockfiles: its own, and the one that yarn gives it.
    private static let publicRegistries = [
        "https://registry.npmjs.org/", "http://registry.npmjs.org/", "https://registry.yarnpkg.com/",
    ]

    /// Whether a URL names this package's tarball in the public registry.
    ///
    /// A URL with another package's name or version would have a statement claim a package that is not there, so it is not
    /// believed that such a one is meant.
    ///
    /// - Returns: nil for a URL of another place.
    func isAt(_ url: String) -> Bool? {
        for registry in Self.publicRegistries where url.hasPrefix(registry) {
            // Registries take a scope's slash escaped as well; yarn writes a SHA-1 behind the URL.
            let path = url.dropFirst(registry.count).prefix { $0 != "#" }
            return path.replacing("%2f", with: "/").replacing("%2F", with: "/") == tarballPath
        }
        return nil
    }
}
