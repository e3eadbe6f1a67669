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
        if registryMirror != nil { return mirrorEndpoint.map { [$0] } ?? [] }
        return ["index.crates.io", "static.crates.io"].map {
            EgressEndpoint(host: $0, port: 443, addresses: .lookedUpIfPublic)
        }
    }

    private var mirrorEndpoint: EgressEndpoint? {
        guard let url = registryMirror, let start = url.firstRange(of: "://")?.upperBound else { return nil }
        // What stands before an @ are credentials.
        let authority = url[start...].prefix { $0 != "/" }.split(separator: "@", omittingEmptySubsequences: false).last
        guard let authority else { return nil }
        var host = authority.prefix { $0 != ":" }
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[...end]
        }
        var port = url.hasPrefix("sparse+https:") ? 443 : 80
        let rest = authority[host.endIndex...]
        if !rest.isEmpty {
            guard rest.hasPrefix(":"), let number = UInt16(rest.dropFirst()), number > 0 else { return nil }
            port = Int(number)
        }
        let name = host.hasPrefix("[") ? host.dropFirst().dropLast() : host
        return name.isEmpty ? nil : EgressEndpoint(host: String(name), port: port, addresses: .lookedUp)
    }

    private static func replacement(_ place: String) -> String {
        "[source.crates-io]\nreplace-with = \"kettle\"\n\n[source.kettle]\n\(place)\n"
    }

    func check() throws(ToolchainError) {
        if registryMirror != nil, vendorDirectory != nil {
            throw .invalidConfiguration(reason: "a registry and a vendor folder both stand in for crates.io")
        }
        if let registryMirror {
            let isURL = ["sparse+https://", "sparse+http://"].contains { registryMirror.hasPrefix($0) }
            let isPlain = registryMirror.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
            guard isURL, isPlain, registryMirror.hasSuffix("/"), mirrorEndpoint != nil else {
                throw .invalidConfiguration(
                    reason: "\"\(registryMirror)\" is not a sparse registry (sparse+https://…/)")
            }
        }
        if let vendorDirectory, !vendorDirectory.isAbsolute {
            throw .invalidConfiguration(reason: "the vendor folder is not an absolute path")
        }
    }
}
