import Glibc

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

    /// - Throws: ``SourceError/prefixInvalid(prefix:)``.
    package init(allowedPrefixes: [String] = []) throws(SourceError) {
        var prefixes: [Prefix] = []
        for text in allowedPrefixes {
            guard let parts = try? URLParts(parsing: text) else { throw .prefixInvalid(prefix: text) }
            let path = parts.path == "/" ? "" : parts.path
            let port = parts.port ?? (path.isEmpty ? nil : URLParts.defaultPort(parts.scheme))
            prefixes.append(Prefix(scheme: parts.scheme, host: parts.host, port: port, path: path))
        }
        self.prefixes = prefixes
    }

    /// Whether plain HTTP may be spoken at all.
    var allowsHTTP: Bool { prefixes.contains { $0.scheme == "http" } }

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

    /// Resolves a public URL's host, refuses it unless every address is public, and says how git is to be held to them.
    ///
    /// Blocks while the name is resolved.
    ///
    /// - Returns: Values of `http.curloptResolve`, so that the name cannot have another address a moment later.
    func pin(_ url: GitURL) throws(SourceError) -> [String] {
        let host = url.parts.host
        guard !url.isAllowedByPrefix, InternetAddress(host) == nil else { return [] }
        let addresses = try Self.addresses(of: host)
        guard addresses.allSatisfy({ InternetAddress($0)?.isPublic ?? false }) else { throw .urlNotPublic(host: host) }
        let joined = addresses.map { $0.contains(":") ? "[\($0)]" : $0 }.joined(separator: ",")
        return ["\(host):\(url.port):\(joined)"]
    }

    /// At least one, each once, in the order in which they should be tried.
    private static func addresses(of host: String) throws(SourceError) -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { throw .urlHostUnknown(host: host) }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let info = next?.pointee {
            var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(name.count)
            guard getnameinfo(info.ai_addr, info.ai_addrlen, &name, length, nil, 0, NI_NUMERICHOST) == 0 else {
                throw .urlHostUnknown(host: host)
            }
            let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if !addresses.contains(text) { addresses.append(text) }
            next = info.ai_next
        }
        guard !addresses.isEmpty else { throw .urlHostUnknown(host: host) }
        return addresses
    }
}
