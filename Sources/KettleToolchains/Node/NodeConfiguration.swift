import KettleSandbox
package import SystemPackage

/// What the operator settled about packages of the npm registry.
package struct NodeConfiguration: Sendable, Hashable {
    private static let publicRegistry = "https://registry.npmjs.org/"

    /// A registry that stands in for the public one, such as `https://mirror.example/npm/`.
    package var registryMirror: String?

    /// Where what can be had again is kept for later builds: tarballs, and digests of the toolchain's files. Kettle's alone;
    /// nothing is kept where there is none.
    package var cache: FilePath?

    package init(registryMirror: String? = nil, cache: FilePath? = nil) {
        self.registryMirror = registryMirror
        self.cache = cache
    }

    private var mirror: RegistryURL? { registryMirror.flatMap { RegistryURL($0) } }

    /// The only places that a fetch may connect to.
    var endpoints: [EgressEndpoint] {
        if registryMirror != nil { return mirror.map { [$0.endpoint] } ?? [] }
        return [RegistryURL.public("registry.npmjs.org")]
    }

    /// Where a package's tarball is had.
    func url(of package: NodePackageID) -> String { (mirror?.text ?? Self.publicRegistry) + package.tarballPath }

    func check() throws(ToolchainError) {
        if let registryMirror, mirror == nil {
            throw .invalidConfiguration(reason: "\"\(registryMirror)\" is not an npm registry (https://…/)")
        }
    }
}
