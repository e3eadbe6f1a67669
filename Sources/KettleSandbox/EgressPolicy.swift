import KettleLauncher

/// Where a command may connect to, and how much may pass.
///
/// The command's network is a loopback with one open port: a SOCKS5 proxy that Kettle answers outside. It connects to these
/// endpoints, or where that is said to any public host, and to nothing else, whatever the command asks for.
package struct EgressPolicy: Sendable, Hashable {
    static let proxyHost = "127.0.0.1"
    static let proxyPort = InsideSandbox.proxyPort

    /// The proxy as curl, git and cargo are told of it: names are resolved by the proxy.
    package static let proxyURL = "socks5h://\(proxyHost):\(proxyPort)"

    package var endpoints: [EgressEndpoint]
    /// Whether every other host is allowed too on the port of HTTPS, as long as all its addresses are public.
    package var allowsPublicHosts: Bool
    package var limits: EgressLimits

    package init(
        _ endpoints: [EgressEndpoint], allowsPublicHosts: Bool = false, limits: EgressLimits = EgressLimits()
    ) {
        self.endpoints = endpoints
        self.allowsPublicHosts = allowsPublicHosts
        self.limits = limits
    }

    /// - Returns: nil for a place that is not allowed.
    func endpoint(host: String, port: Int) -> EgressEndpoint? {
        if let named = endpoints.first(where: { $0.port == port && $0.isNamed(host) }) { return named }
        guard allowsPublicHosts, port == 443 else { return nil }
        return EgressEndpoint(host: host, port: port, addresses: .lookedUpIfPublic)
    }
}

/// One host and port, and which addresses the host may have.
package struct EgressEndpoint: Sendable, Hashable {
    package enum Addresses: Sendable, Hashable {
        /// These, which the caller has looked up and checked.
        case pinned([InternetAddress])

        /// What the name resolves to when it is first asked for, if all of it is public.
        case lookedUpIfPublic

        /// What the name resolves to when it is first asked for: for places that the operator named.
        case lookedUp
    }

    /// A name in lower case, or an address without brackets.
    package let host: String
    package let port: Int
    package let addresses: Addresses

    package init(host: String, port: Int, addresses: Addresses) {
        self.host = host.lowercased()
        self.port = port
        self.addresses = addresses
    }

    /// `host:port`.
    package var name: String { Self.name(host: host, port: port) }

    static func name(host: String, port: Int) -> String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    func isNamed(_ other: String) -> Bool {
        if let address = InternetAddress(host) { return InternetAddress(other) == address }
        return other.lowercased() == host
    }

    /// The addresses to try, in order; blocks while the name is looked up.
    ///
    /// - Throws: ``EgressRefusal``.
    func resolve() throws(EgressRefusal) -> [InternetAddress] {
        switch addresses {
        case .pinned(let addresses): return addresses
        case .lookedUp, .lookedUpIfPublic:
            let found = InternetAddress(host).map { [$0] } ?? InternetAddress.lookUp(host)
            guard !found.isEmpty else { throw .unknown }
            guard addresses == .lookedUp || found.allSatisfy({ $0.isPublic }) else { throw .notAllowed }
            return found
        }
    }
}

/// Why the proxy does not connect.
enum EgressRefusal: Error {
    case notAllowed
    /// The name has no address, or there is nothing to connect to.
    case unknown
}

/// Where the proxy ends a connection, or the command.
package struct EgressLimits: Sendable, Hashable {
    /// At one time. One more is closed at once.
    package var connections: Int

    /// By all connections together. Reaching it ends the command.
    package var receivedBytes: Int

    /// By all connections together. Reaching it ends the command.
    package var sentBytes: Int

    /// Until the proxy has been told where to.
    package var handshake: Duration

    /// For each address that is tried.
    package var connect: Duration

    /// Without a byte in either direction.
    package var idle: Duration

    package init(
        connections: Int = 64, receivedBytes: Int = 4 << 30, sentBytes: Int = 64 << 20,
        handshake: Duration = .seconds(10), connect: Duration = .seconds(10), idle: Duration = .seconds(120)
    ) {
        self.connections = connections
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
        self.handshake = handshake
        self.connect = connect
        self.idle = idle
    }
}
