import Glibc
import Hummingbird
import KettleAccess
import Logging
import NIOCore

/// What is known of one request beside what it says: who sent it.
struct KettleRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Set by a middleware, before any route runs.
    var caller = Caller.stranger { didSet { exchange?.note(caller.owner) } }
    /// What is observed of the request.
    var exchange: Exchange?
    /// The address that the connection comes from, as text; behind a proxy, the proxy's. Of IPv6 the first 64 bits, since
    /// whoever has one address has all of those.
    let peer: String

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = Self.name(source.channel.remoteAddress)
    }

    private static func name(_ address: SocketAddress?) -> String {
        let text = address?.ipAddress ?? ""
        var bytes = [UInt8](repeating: 0, count: 16)
        // Those of IPv4 come as ::ffff:a.b.c.d where the service listens for both.
        guard inet_pton(AF_INET6, text, &bytes) == 1, bytes.prefix(10).contains(where: { $0 != 0 }) else { return text }
        return bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":")
    }
}
