import KettleSandbox

/// The address of a registry that the operator named: `https://mirror.example/path/`, or the same with `http`.
struct RegistryURL: Sendable, Hashable {
    /// It ends with a slash.
    let text: String
    /// The only place that a fetch from there may connect to, at any address, because the operator named it.
    let endpoint: EgressEndpoint

    /// - Returns: nil for what is no such address: without a scheme of these two or a host, with credentials, with characters that have a meaning
    ///   in configuration files, or without a slash at its end.
    ///
    /// - Parameter allowsCredentials: Whether `user:password@` may stand before the host: for programs that tell nobody where they fetch from.
    init?(_ text: String, allowsCredentials: Bool = false) {
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
        let isSecure = text.hasPrefix("https://")
        guard isPlain, text.utf8.count <= 2048, isSecure || text.hasPrefix("http://"), text.hasSuffix("/"),
            !text.contains("?"), !text.contains("#"), let start = text.firstRange(of: "://")?.upperBound
        else { return nil }
        let parts = text[start...].prefix { $0 != "/" }.split(separator: "@", omittingEmptySubsequences: false)
        guard let authority = parts.last, parts.count == 1 || allowsCredentials else { return nil }
        var host = authority.prefix { $0 != ":" }
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[...end]
        }
        var port = isSecure ? 443 : 80
        let rest = authority[host.endIndex...]
        if !rest.isEmpty {
            guard rest.hasPrefix(":"), rest.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt16(rest.dropFirst()), number > 0
            else { return nil }
            port = Int(number)
        }
        let name = host.hasPrefix("[") ? host.dropFirst().dropLast() : host
        guard !name.isEmpty else { return nil }
        self.text = text
        endpoint = EgressEndpoint(host: String(name), port: port, addresses: .lookedUp)
    }

    /// A registry of the whole world's, over HTTPS at public addresses only.
    static func `public`(_ host: String) -> EgressEndpoint {
        EgressEndpoint(host: host, port: 443, addresses: .lookedUpIfPublic)
    }

    /// The host of an address that a project names: with `https:`, without a port, credentials or brackets.
    static func publicHost(of url: String) -> String? {
        let host = url.hasPrefix("https://") ? url.dropFirst(8).prefix { $0 != "/" && $0 != "?" && $0 != "#" } : ""
        return host.isEmpty || !host.allSatisfy({ $0.isASCII && !"@:[]\\".contains($0) }) ? nil : String(host)
    }

    /// The host, and those to which GitHub sends on who asks it for an archive or a file of a release.
    static func `public`(andWhereItSendsTo host: String) -> [EgressEndpoint] {
        let more = ["codeload.github.com", "objects.githubusercontent.com", "release-assets.githubusercontent.com"]
        return ([host] + (host.lowercased() == "github.com" ? more : [])).map(RegistryURL.public)
    }
}
