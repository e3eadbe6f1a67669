import NIOCore
import NIOSSL
import Synchronization

/// Which servers a connection is made with.
enum PeerTrust: Sendable {
    /// Those with a certificate by an authority: of the system's, or of these.
    case authorities([NIOSSLCertificate]?)
    /// Anyone. What such a server says is not believed before its key was attested to.
    case anyone
    /// The holder of one key, by its DER SubjectPublicKeyInfo, whatever its certificate says.
    case key([UInt8])
}

/// Looks at the key of the server during one handshake.
///
/// TLS itself makes sure that the server holds the private half of it.
final class PeerCheck: Sendable {
    private let trust: PeerTrust
    private let state = Mutex<State>(.nothing)

    private enum State {
        case nothing
        case seen([UInt8])
        case refused
    }

    init(_ trust: PeerTrust) {
        self.trust = trust
    }

    /// The key that the server proved to hold, once the handshake is complete.
    var key: [UInt8]? {
        state.withLock { if case .seen(let key) = $0 { key } else { nil } }
    }

    /// Whether the handshake ended because the key was not the wanted one.
    var wasRefused: Bool {
        state.withLock { if case .refused = $0 { true } else { false } }
    }

    func makeHandler(_ address: ServiceAddress) throws -> NIOSSLClientHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = .seconds(1)
        // An address is no name that could be indicated (RFC 6066, section 3).
        let isAddress = (try? SocketAddress(ipAddress: address.host, port: 0)) != nil
        let name = isAddress ? nil : address.host
        if case .authorities(let roots) = trust {
            if let roots { configuration.trustRoots = .certificates(roots) }
            return try NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: name)
        }
        // Not `.none`, which would not ask about the certificate at all. Names do not matter: the key does.
        configuration.certificateVerification = .noHostnameVerification
        configuration.minimumTLSVersion = .tlsv13
        return try NIOSSLClientHandler(
            context: NIOSSLContext(configuration: configuration), serverHostname: name,
            customVerificationCallback: { certificates, promise in
                promise.succeed(self.isTrusted(certificates) ? .certificateVerified : .failed)
            })
    }

    private func isTrusted(_ certificates: [NIOSSLCertificate]) -> Bool {
        let key = try? certificates.first?.extractPublicKey().toSPKIBytes()
        return state.withLock { state in
            state = .refused
            guard let key else { return false }
            if case .key(let wanted) = trust, wanted != key { return false }
            state = .seen(key)
            return true
        }
    }
}
