import KettleSandbox
package import SystemPackage

/// What the operator settled about uv.
package struct UvConfiguration: Sendable, Hashable {
    static let publicFiles = "https://files.pythonhosted.org/"

    /// A mirror of PyPI's files: what stands behind `https://files.pythonhosted.org/` in a lockfile is asked for behind this.
    package var filesMirror: String?

    /// A folder of wheels: build backends, and what they need, for projects that do not lock theirs.
    package var backends: FilePath?

    /// Where what can be had again is kept for later builds. Kettle's alone; nothing is kept where there is none.
    package var cache: FilePath?

    package init(filesMirror: String? = nil, backends: FilePath? = nil, cache: FilePath? = nil) {
        self.filesMirror = filesMirror
        self.backends = backends
        self.cache = cache
    }

    /// The only place that a fetch may reach.
    var endpoints: [EgressEndpoint] { [mirror?.endpoint ?? RegistryURL.public("files.pythonhosted.org")] }

    /// Where a file of a lockfile is fetched from; nil for one that is not PyPI's.
    func address(of url: String) -> String? {
        guard url.hasPrefix(Self.publicFiles) else { return nil }
        guard let mirror else { return url }
        return mirror.text + url.dropFirst(Self.publicFiles.count)
    }

    private var mirror: RegistryURL? { filesMirror.flatMap { RegistryURL($0.hasSuffix("/") ? $0 : $0 + "/") } }

    func check() throws(ToolchainError) {
        if let filesMirror, mirror == nil {
            throw .invalidConfiguration(reason: "\"\(filesMirror)\" is not the address of a mirror (https://…/)")
        }
        if let backends, !backends.isAbsolute {
            throw .invalidConfiguration(reason: "the folder of build backends is not an absolute path")
        }
    }
}
