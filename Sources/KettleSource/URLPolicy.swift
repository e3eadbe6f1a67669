import KettleSandbox

/// A URL that the policy lets git fetch from.
package struct GitURL: Sendable, Hashable {
    /// As the requester wrote it.
    package let text: String
    let parts: URLParts
    /// Whether an operator's prefix covers it, so that its address need not be public.
    let isAllowedByPrefix: Bool

    var port: Int { parts.port ?? URLParts.defaultPort(parts.scheme) }
}

/// Which URLs may be cloned: public `https://`, and what the operator's prefixes name.
package struct URLPolicy: Sendable {
    /// Names that mean a host nearby (RFC 6761, 6762, 8375 and habit).
    private static let localNames = [
        "localhost", "local", "internal", "localdomain", "home.arpa", "lan", "intranet", "corp", "test",
    ]

    private struct Prefix: Sendable {
        var scheme: String
        var host: String
        /// nil where the prefix names neither port nor path: any port of that host.
        var port: Int?
        var path: String

        /// A prefix ends where a component of the path ends: `/team` covers `/team/a` and not `/team-b`.
        func covers(_ parts: URLParts) -> Bool {
            let urlPort = parts.port ?? URLParts.defaultPort(parts.scheme)
            guard scheme == parts.scheme, host == parts.host, port ?? urlPort == urlPort else { return false }
            return parts.path == path || parts.path.hasPrefix(path.hasSuffix("/") ? path : path + "/")
        }
    }

    private let prefixes: [Prefix]
    /// Beginnings of URLs and what stands for them, as the operator wrote them.
    private let mirrors: [(from: String, to: String)]

    /// - Parameter mirrors: Each `FROM=TO`: what begins with FROM is fetched from TO. TO is allowed as a prefix is.
    /// - Throws: ``SourceError/prefixInvalid(prefix:)``.
    package init(allowedPrefixes: [String] = [], mirrors: [String] = []) throws(SourceError) {
        var pairs: [(from: String, to: String)] = []
        for text in mirrors {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            // FROM is compared as text, and would else reach into the middle of a name.
            guard parts.count == 2, parts.allSatisfy({ $0.hasSuffix("/") }), (try? URLParts(parsing: parts[0])) != nil
            else {
                throw .prefixInvalid(prefix: text)
            }
            pairs.append((parts[0], parts[1]))
        }
        self.mirrors = pairs
        var prefixes: [Prefix] = []
        for text in allowedPrefixes + pairs.map(\.to) {
            guard let parts = try? URLParts(parsing: text) else { throw .prefixInvalid(prefix: text) }
            let path = parts.path == "/" ? "" : parts.path
            let port = parts.port ?? (path.isEmpty ? nil : URLParts.defaultPort(parts.scheme))
            prefixes.append(Prefix(scheme: parts.scheme, host: parts.host, port: port, path: path))
        }
        self.prefixes = prefixes
    }

    /// Whether plain HTTP may be spoken at all.
    var allowsHTTP: Bool { prefixes.contains { $0.scheme == "http" } }

    /// From where a dependency's repository is fetched, whose commit somebody pinned: the operator's mirror, if there is one for it.
    func mirrored(_ text: String) -> String {
        guard let mirror = mirrors.first(where: { text.hasPrefix($0.from) }) else { return text }
        return mirror.to + text.dropFirst(mirror.from.count)
    }

    /// Checks a requester's URL by its form alone; no name is resolved.
    package func check(_ text: String) throws(SourceError) -> GitURL {
        let parts = try URLParts(parsing: text)
        guard parts.path.utf8.contains(where: { $0 != UInt8(ascii: "/") }) else { throw .urlMalformed(url: text) }
        let isAllowed = prefixes.contains { $0.covers(parts) }
        if !isAllowed {
            guard parts.scheme == "https" else { throw .urlSchemeNotAllowed(scheme: parts.scheme) }
            try Self.checkPublic(parts.host)
        }
        return GitURL(text: text, parts: parts, isAllowedByPrefix: isAllowed)
    }

    private static func checkPublic(_ host: String) throws(SourceError) {
        if let address = InternetAddress(host) {
            guard address.isPublic else { throw .urlNotPublic(host: host) }
            return
        }
        let last = host.split(separator: ".").last ?? ""
        // No top-level domain begins with a digit, and what does is read as an IPv4 address by someone (RFC 3696, 2).
        guard last.utf8.first.map({ !(0x30...0x39 ~= $0) }) ?? false else { throw .urlOddAddress(host: host) }
        guard host.contains("."), !localNames.contains(where: { host == $0 || host.hasSuffix(".\($0)") }) else {
            throw .urlNotPublic(host: host)
        }
    }

    // MARK: - Names

    /// Resolves a URL's host and refuses it unless every address is public or the operator allowed the URL.
    ///
    /// Blocks while the name is resolved.
    ///
    /// - Returns: The one place that git may connect to, held to these addresses, so that the name cannot have another a
    ///   moment later.
    func pin(_ url: GitURL) throws(SourceError) -> EgressEndpoint {
        let host = url.parts.host
        let addresses = InternetAddress(host).map { [$0] } ?? InternetAddress.lookUp(host)
        guard !addresses.isEmpty else { throw .urlHostUnknown(host: host) }
        guard url.isAllowedByPrefix || addresses.allSatisfy({ $0.isPublic }) else { throw .urlNotPublic(host: host) }
        return EgressEndpoint(host: host, port: url.port, addresses: .pinned(addresses))
    }
}
