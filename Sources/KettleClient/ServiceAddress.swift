import Foundation

/// Where a service is: `https://host[:port][/prefix]`, or `http://` on this machine.
package struct ServiceAddress: Sendable, Hashable {
    package let isTLS: Bool
    /// A name or an address, without the brackets of IPv6.
    package let host: String
    package let port: Int
    /// Before every route: `/v1` where the address names none.
    let prefix: String

    /// - Throws: ``ServiceError/address(_:)`` for anything else, and ``ServiceError/plaintext(host:)`` for `http://` to another
    ///   machine: a source would go over the network for anyone to read and change.
    package init(_ text: String) throws(ServiceError) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let written = parts.host, !written.isEmpty, parts.user == nil,
            parts.password == nil, parts.query == nil, parts.fragment == nil,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw .address(text) }
        isTLS = scheme == "https"
        host = written.hasPrefix("[") ? String(written.dropFirst().dropLast()) : written.lowercased()
        port = parts.port ?? (isTLS ? 443 : 80)
        guard (1...65_535).contains(port) else { throw .address(text) }
        var path = parts.percentEncodedPath
        while path.hasSuffix("/") { path.removeLast() }
        prefix = path.isEmpty ? "/v1" : path
        guard isTLS || Self.isLoopback(host) else { throw .plaintext(host: host) }
    }

    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        let isFour = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil } && parts[0] == "127"
        return host == "localhost" || host == "::1" || isFour
    }

    /// As the `Host` header has it.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isTLS ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// A route of the service as a URL, for people.
    package func url(_ path: String) -> String { "\(isTLS ? "https" : "http")://\(authority)\(prefix)\(path)" }
}
