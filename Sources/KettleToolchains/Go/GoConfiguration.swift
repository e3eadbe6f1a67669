import KettleSandbox
package import SystemPackage

/// What the operator settled about Go.
package struct GoConfiguration: Sendable, Hashable {
    private static let publicHost = "proxy.golang.org"

    /// A module proxy that stands in for proxy.golang.org: `https://mirror.example/`.
    package var proxy: String?

    /// Where what can be had again is kept for later builds. Kettle's alone; nothing is kept where there is none.
    package var cache: FilePath?

    package init(proxy: String? = nil, cache: FilePath? = nil) {
        self.proxy = proxy
        self.cache = cache
    }

    /// Where modules are fetched from, with a slash at its end.
    var address: String { mirror?.text ?? "https://\(Self.publicHost)/" }

    /// The only place that a fetch may reach.
    var endpoints: [EgressEndpoint] { [mirror?.endpoint ?? RegistryURL.public(Self.publicHost)] }

    private var mirror: RegistryURL? {
        // Go's own users write it without a slash.
        proxy.flatMap { RegistryURL($0.hasSuffix("/") ? $0 : $0 + "/") }
    }

    func check() throws(ToolchainError) {
        if let proxy, mirror == nil {
            throw .invalidConfiguration(reason: "\"\(proxy)\" is not a module proxy (https://…/)")
        }
    }
}
