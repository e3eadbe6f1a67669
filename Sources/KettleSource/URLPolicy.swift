import Foundation
import Glibc

/// A URL that the policy lets git fetch from.
package struct GitURL: Sendable, Hashable {
    /// As the requester wrote it.
    package let text: String
    let scheme: String
    let host: String
    let port: Int
    let path: String
    /// Whether an operator's prefix covers it, so that its address need not be public.
    let isAllowedByPrefix: Bool
}

/// Which URLs may be cloned: public `https://`, and what the operator's prefixes name.
package struct URLPolicy: Sendable {
    private static let lengthLimit = 2048

    private struct Prefix: Sendable {
        var scheme: String
        var host: String
        /// nil where the prefix names neither port nor path: any port of that host.
        var port: Int?
        var path: String
    }

    private let prefixes: [Prefix]

    /// - Throws: ``SourceError/prefixInvalid(prefix:)``.
    package init(allowedPrefixes: [String] = []) throws(SourceError) {
        var prefixes: [Prefix] = []
        for text in allowedPrefixes {
            guard let parts = Self.parts(text.hasSuffix(":") ? String(text.dropLast()) : text),
                ["http", "https"].contains(parts.scheme)
            else { throw .prefixInvalid(prefix: text) }
            let path = parts.path == "/" ? "" : parts.path
            let port = parts.port ?? (path.isEmpty ? nil : Self.defaultPort(parts.scheme))
            prefixes.append(Prefix(scheme: parts.scheme, host: parts.host, port: port, path: path))
        }
        self.prefixes = prefixes
    }

    /// Whether plain HTTP may be spoken at all.
    var allowsHTTP: Bool { prefixes.contains { $0.scheme == "http" } }

    /// Checks a requester's URL by its form alone; no name is resolved.
    package func check(_ text: String) throws(SourceError) -> GitURL {
        guard text.utf8.count <= Self.lengthLimit else { throw .urlTooLong(limitInBytes: Self.lengthLimit) }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }), !text.hasPrefix("-") else {
            throw .urlMalformed(url: String(text.prefix(200)))
        }
        if let scheme = text.split(separator: ":", maxSplits: 1).first.map({ $0.lowercased() }),
            !["http", "https"].contains(scheme)
        {
            throw .urlSchemeNotAllowed(scheme: String(scheme.prefix(40)))
        }
        if let authority = text.components(separatedBy: "://").dropFirst().first?.split(separator: "/").first,
            authority.contains("@")
        {
            throw .urlHasCredentials
        }
        guard let parts = Self.parts(text), parts.path.count > 1, !parts.path.contains("/../"),
            !parts.path.hasSuffix("/..")
        else { throw .urlMalformed(url: String(text.prefix(200))) }
        let port = parts.port ?? Self.defaultPort(parts.scheme)
        let isAllowed = prefixes.contains { prefix in
            prefix.scheme == parts.scheme && prefix.host == parts.host && (prefix.port ?? port) == port
                && (parts.path == prefix.path || prefix.path.hasSuffix("/") && parts.path.hasPrefix(prefix.path)
                    || parts.path.hasPrefix(prefix.path + "/"))
        }
        let url = GitURL(
            text: text, scheme: parts.scheme, host: parts.host, port: port, path: parts.path,
            isAllowedByPrefix: isAllowed)
        guard !isAllowed else { return url }
        guard parts.scheme == "https" else { throw .urlSchemeNotAllowed(scheme: parts.scheme) }
        try Self.checkPublic(parts.host)
        return url
    }

    /// Resolves a public URL's host, refuses it unless every address is public, and says how git is to be held to them.
    ///
    /// Blocks while the name is resolved.
    ///
    /// - Returns: Values of `http.curloptResolve`, so that the name cannot have another address a moment later.
    func pin(_ url: GitURL) throws(SourceError) -> [String] {
        guard !url.isAllowedByPrefix else { return [] }
        if Self.isLiteral(url.host) { return [] }
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(url.host, String(url.port), &hints, &list) == 0 else { throw .urlHostUnknown(host: url.host) }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let info = next {
            var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard
                getnameinfo(
                    info.pointee.ai_addr, info.pointee.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST)
                    == 0
            else { throw .urlHostUnknown(host: url.host) }
            let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard Self.isPublic(text) else { throw .urlNotPublic(host: url.host) }
            if !addresses.contains(text) { addresses.append(text) }
            next = info.pointee.ai_next
        }
        guard !addresses.isEmpty else { throw .urlHostUnknown(host: url.host) }
        let joined = addresses.map { $0.contains(":") ? "[\($0)]" : $0 }.joined(separator: ",")
        return ["\(url.host):\(url.port):\(joined)"]
    }

    // MARK: - Parts

    private static func parts(_ text: String) -> (scheme: String, host: String, port: Int?, path: String)? {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            let host = parts.host?.lowercased(), !host.isEmpty, parts.user == nil, parts.password == nil,
            parts.query == nil, parts.fragment == nil, parts.port.map({ (1...65_535).contains($0) }) ?? true
        else { return nil }
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        return (scheme, bare.hasSuffix(".") ? String(bare.dropLast()) : bare, parts.port, parts.percentEncodedPath)
    }

    private static func defaultPort(_ scheme: String) -> Int { scheme == "http" ? 80 : 443 }

    private static func isLiteral(_ host: String) -> Bool { addressBytes(host) != nil }

    private static func addressBytes(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
        var six = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
        return nil
    }

    private static func checkPublic(_ host: String) throws(SourceError) {
        if isLiteral(host) {
            guard isPublic(host) else { throw .urlNotPublic(host: host) }
            return
        }
        var odd = in_addr()
        if inet_aton(host, &odd) != 0 { throw .urlOddAddress(host: host) }
        let reserved = [
            "localhost", "local", "internal", "localdomain", "home.arpa", "lan", "intranet", "corp", "test",
        ]
        guard host.contains("."), !reserved.contains(where: { host == $0 || host.hasSuffix(".\($0)") }) else {
            throw .urlNotPublic(host: host)
        }
        guard host.utf8.allSatisfy({ $0.isHostByte }) else { throw .urlMalformed(url: host) }
    }

    /// Whether an address is reached over the public internet (IANA special-purpose address registries, RFC 6890).
    private static func isPublic(_ text: String) -> Bool {
        guard let bytes = addressBytes(text) else { return false }
        if bytes.count == 4 { return isPublicIPv4(bytes) }
        // Addresses that carry an IPv4 one: mapped, NAT64 and 6to4.
        if bytes.prefix(10).allSatisfy({ $0 == 0 }) {
            return bytes[10] == 0xFF && bytes[11] == 0xFF && isPublicIPv4(Array(bytes[12...]))
        }
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B]) { return false }
        if bytes.starts(with: [0x20, 0x02]) { return isPublicIPv4(Array(bytes[2..<6])) }
        if bytes.starts(with: [0x20, 0x01, 0x0D, 0xB8]) || bytes.starts(with: [0x20, 0x01, 0x00, 0x00]) {
            return false
        }
        // Only 2000::/3 is global unicast.
        return bytes[0] & 0xE0 == 0x20
    }

    private static func isPublicIPv4(_ bytes: [UInt8]) -> Bool {
        switch (bytes[0], bytes[1]) {
        case (0, _), (10, _), (127, _), (169, 254), (192, 168), (198, 18), (198, 19), (224..., _): false
        case (100, 64...127), (172, 16...31): false
        case (192, 0): bytes[2] != 0 && bytes[2] != 2
        case (198, 51): bytes[2] != 100
        case (203, 0): bytes[2] != 113
        case (192, 88): bytes[2] != 99
        default: true
        }
    }
}

extension UInt8 {
    /// A byte of a host name (RFC 1123).
    fileprivate var isHostByte: Bool {
        (0x30...0x39).contains(self) || (0x61...0x7A).contains(self) || self == UInt8(ascii: "-")
            || self == UInt8(ascii: ".") || self == UInt8(ascii: "_")
    }
}
