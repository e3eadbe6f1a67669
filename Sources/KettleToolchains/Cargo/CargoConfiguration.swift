import KettleSandbox
package import SystemPackage

/// What the operator settled about cargo.
package struct CargoConfiguration: Sendable, Hashable {
    /// A sparse registry that stands in for crates.io, such as `sparse+https://mirror.example/index/`.
    package var registryMirror: String?

    /// A folder of vendored crates that stands in for crates.io. Nothing is fetched then.
    package var vendorDirectory: FilePath?

    /// Where what can be had again is kept for later builds: crates, and digests of the toolchain's files. Kettle's alone;
    /// nothing is kept where there is none.
    package var cache: FilePath?

    package init(registryMirror: String? = nil, vendorDirectory: FilePath? = nil, cache: FilePath? = nil) {
        self.registryMirror = registryMirror
        self.vendorDirectory = vendorDirectory
        self.cache = cache
    }

    /// cargo's configuration for the fetch; nil when crates come from crates.io itself.
    var fetching: String? { registryMirror.map { Self.replacement("registry = \"\($0)\"") } }

    /// cargo's configuration for a build from a folder of crates.
    static let vendored = replacement("directory = \"\(CrateFolder.mountPoint)\"")

    /// Where crates are fetched from: the index and the archives.
    ///
    /// Of a mirror it is the URL's own host and port, at any address, because the operator named it. What its `config.json`
    /// says about archives elsewhere is not believed.
    var endpoints: [EgressEndpoint] {
        if vendorDirectory != nil { return [] }
        if registryMirror != nil { return mirror.map { [$0.endpoint] } ?? [] }
        return ["index.crates.io", "static.crates.io"].map(RegistryURL.public)
    }

    private var mirror: RegistryURL? {
        guard let registryMirror, registryMirror.hasPrefix("sparse+") else { return nil }
        return RegistryURL(String(registryMirror.dropFirst("sparse+".count)), allowsCredentials: true)
    }

    private static func replacement(_ place: String) -> String {
        "[source.crates-io]\nreplace-with = \"kettle\"\n\n[source.kettle]\n\(place)\n"
    }

    func check() throws(ToolchainError) {
        if registryMirror != nil, vendorDirectory != nil {
            throw .invalidConfiguration(reason: "a registry and a vendor folder both stand in for crates.io")
        }
        if let registryMirror, mirror == nil {
            throw .invalidConfiguration(reason: "\"\(registryMirror)\" is not a sparse registry (sparse+https://…/)")
        }
        if let vendorDirectory, !vendorDirectory.isAbsolute {
            throw .invalidConfiguration(reason: "the vendor folder is not an absolute path")
        }
    }
}
