package import KettleProvenance
import KettleSandbox
package import SystemPackage

/// Nix flakes: `nix build`.
package struct NixToolchain: Toolchain {
    package static let kind = ToolchainKind(
        name: "nix", projectFileNames: [NixPlan.manifest], settings: [.targets],
        installation: "install the distribution's Nix (apt-get install nix-bin)")

    let configuration: NixConfiguration
    let installation: NixInstallation
    private let digests: ToolDigests

    /// Finds the system's Nix.
    ///
    /// - Throws: ``ToolchainError/toolchainMissing(tool:reason:)``, ``ToolchainError/invalidConfiguration(reason:)``.
    package static func locate(configuration: NixConfiguration) async throws(ToolchainError) -> NixToolchain {
        _ = try (configuration.forge(), configuration.binaryCache(), configuration.mirror())
        return NixToolchain(
            configuration: configuration, installation: try await NixInstallation.locate(),
            digests: ToolDigests(cache: configuration.cache, of: "nix"))
    }

    package var versions: [String] { [installation.version] }

    package func plan(_ layout: BuildLayout, _ settings: ProjectSettings) throws(ToolchainError) -> any BuildPlan {
        if let bytes = try ProjectFile.read(FlakeLock.fileName, in: layout.projectFolder) {
            return NixPlan(
                nix: self, layout: layout, settings: settings,
                lockfile: Lockfile(name: FlakeLock.fileName, bytes: bytes), lock: try FlakeLock(parsing: bytes))
        }
        // Only a flake without inputs has none: Nix refuses one that is not locked, since it may not change the lockfile.
        guard let bytes = try ProjectFile.read(NixPlan.manifest, in: layout.projectFolder) else {
            throw .unreadableFile(name: NixPlan.manifest, reason: "it is missing")
        }
        return NixPlan(
            nix: self, layout: layout, settings: settings,
            lockfile: Lockfile(name: NixPlan.manifest, bytes: bytes), lock: nil)
    }

    package func tools() throws(ToolchainError) -> [ResourceDescriptor] {
        try digests.describe(try installation.tools())
    }
}

/// What the operator settled about Nix.
package struct NixConfiguration: Sendable, Hashable {
    /// What stands in for `https://github.com/` where the inputs of flakes are fetched, such as
    /// `https://mirror.example/github/`.
    package var github: String?

    /// What Nix itself asks when nobody says otherwise (nix.conf(5), `substituters`).
    package static let standardCacheURL = NixCache.standardURL

    /// The binary cache that is asked for what derivations need, such as `https://cache.example`; nil for none.
    package var binaryCacheURL: String?
    /// The public key that signs what the binary cache has, `<name>:<base64>`; nil for the one of Nix's own cache.
    package var binaryCacheKey: String?

    /// What has the files that derivations pin by their SHA-256, as `sha256/<hexadecimal digits>` below this address: it stands
    /// in for the URLs that they name (nix.conf(5), `hashed-mirrors`).
    package var hashedMirror: String?

    /// Where digests of Nix's files are kept; nil for nowhere.
    package var cache: FilePath?

    package init(
        github: String? = nil, binaryCacheURL: String? = nil, binaryCacheKey: String? = nil,
        hashedMirror: String? = nil, cache: FilePath? = nil
    ) {
        self.github = github
        self.binaryCacheURL = binaryCacheURL
        self.binaryCacheKey = binaryCacheKey
        self.hashedMirror = hashedMirror
        self.cache = cache
    }

    /// - Returns: nil for none.
    func binaryCache() throws(ToolchainError) -> NixCache? {
        guard let text = binaryCacheURL else { return nil }
        let url = text.hasSuffix("/") ? text : "\(text)/"
        if let key = binaryCacheKey { return try NixCache(url: url, key: key) }
        guard url == NixCache.standardURL else {
            throw .invalidConfiguration(reason: "the binary cache \(url) needs the public key that signs what it has")
        }
        return try NixCache(url: url, key: NixCache.standardKey)
    }

    func mirror() throws(ToolchainError) -> RegistryURL? {
        guard let hashedMirror else { return nil }
        guard let url = RegistryURL(hashedMirror) else {
            throw .invalidConfiguration(reason: "\"\(hashedMirror)\" is not the address of a mirror (https://…/)")
        }
        return url
    }

    /// The host of a URL that a project names, as ``RegistryURL/publicHost(of:)`` takes it. None of the operator's own: a project
    /// gets of those what Kettle asks them for.
    func publicHost(of url: String) throws(ToolchainError) -> String? {
        guard let host = RegistryURL.publicHost(of: url) else { return nil }
        let name = String(host.lowercased().reversed().drop { $0 == "." }.reversed())
        let named = EgressEndpoint(host: name, port: 443, addresses: .lookedUp)
        let own = try forge().endpoints + [binaryCache()?.endpoint, mirror()?.endpoint].compactMap(\.self)
        return own.contains(named) ? nil : host
    }

    /// The base of archives' addresses, and what may be connected to for them.
    func forge() throws(ToolchainError) -> (base: String, endpoints: [EgressEndpoint]) {
        guard let github else {
            // It sends on to the second one.
            return ("https://github.com/", ["github.com", "codeload.github.com"].map(RegistryURL.public))
        }
        guard let url = RegistryURL(github) else {
            throw .invalidConfiguration(reason: "\"\(github)\" is not the address of a mirror (https://…/)")
        }
        return (url.text, [url.endpoint])
    }
}
