import Foundation
import JWTKit
import KettleAttestation
import KettleProvenance
package import Logging

/// The keys of one identity provider (RFC 7517), got when they are needed and kept.
///
/// Kept for an hour, and looked for again, at most once a minute, when a token names another. Where the issuer does
/// not answer, those that were got last count for a day. An actor because requests share what is kept and what is on its way.
package actor OIDCIssuer {
    /// Gets a document by HTTP; throws for every answer but 200, and bounds its size and time.
    package typealias Fetching = @Sendable (_ url: String) async throws -> [UInt8]

    private let issuer: String
    private let keysURL: String?
    private let fetch: Fetching
    /// Milliseconds since 1970, UTC.
    private let now: @Sendable () -> Int64
    private let logger: Logger
    private var kept: (keys: [String: Key], at: Int64)?
    private var triedAt: Int64?
    private var running: Task<Void, Never>?

    private struct Key {
        let algorithm: OIDCToken.Algorithm
        /// Holds this one key: a collection takes another one of its keys when it does not know the one that is named.
        let verifier: JWTKeyCollection
    }

    /// In milliseconds.
    private static let lifetime: Int64 = 3_600_000
    private static let staleLifetime: Int64 = 86_400_000
    private static let pause: Int64 = 60_000
    private static let keyLimit = 100
    private static let documentLimit = 512 << 10

    /// - Parameter keysURL: Where the keys are; nil looks it up in the issuer's own document.
    package init(
        issuer: String, keysURL: String?, logger: Logger, now: @escaping @Sendable () -> Int64,
        fetch: @escaping Fetching
    ) {
        self.issuer = issuer
        self.keysURL = keysURL
        self.fetch = fetch
        self.now = now
        self.logger = logger
    }

    /// Whether keys may be got from there: `https://`, or `http://` on this machine.
    package static func isUsable(url: String) -> Bool {
        guard let parts = URLComponents(string: url), let host = parts.host, !host.isEmpty, parts.user == nil,
            parts.fragment == nil
        else { return false }
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        return parts.scheme == "https" || parts.scheme == "http" && LoopbackHost.contains(bare)
    }

    /// Checks who signed a token, and nothing else of it.
    ///
    /// - Throws: ``AccessError``.
    func verify(_ token: OIDCToken) async throws(AccessError) {
        let key = try await key(token.keyID)
        guard key.algorithm == token.algorithm else {
            throw .identity(reason: "its algorithm is not that of the issuer's key")
        }
        do {
            _ = try await key.verifier.verify(token.text, as: AnyClaims.self)
        } catch {
            throw .identity(reason: "its signature is not the issuer's")
        }
    }

    /// Claims are read by ``OIDCClaims``, which is stricter.
    private struct AnyClaims: JWTPayload {
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    // MARK: - Keys

    private func key(_ id: String) async throws(AccessError) -> Key {
        if let kept, age(of: kept.at) < Self.lifetime, let key = kept.keys[id] { return key }
        if let running {
            await running.value
        } else if triedAt.map({ age(of: $0) >= Self.pause }) ?? true {
            triedAt = now()
            let task = Task { await refresh() }
            running = task
            await task.value
            running = nil
        }
        guard let kept, age(of: kept.at) < Self.staleLifetime else { throw .issuerUnreachable(name: issuer) }
        guard let key = kept.keys[id] else { throw .identity(reason: "the issuer has no such key") }
        return key
    }

    /// In milliseconds. A clock that was set back makes everything old.
    private func age(of time: Int64) -> Int64 {
        let age = now().subtractingReportingOverflow(time)
        return age.overflow || age.partialValue < 0 ? .max : age.partialValue
    }

    private func refresh() async {
        do {
            let url = if let keysURL { keysURL } else { try await discoveredURL() }
            kept = (try await Self.keys(in: fetch(url)), now())
        } catch {
            logger.warning(
                "the keys of an identity provider cannot be fetched",
                metadata: ["issuer": "\(issuer)", "error": "\(error)"])
        }
    }

    /// OpenID Connect Discovery 1.0, section 4.
    private func discoveredURL() async throws -> String {
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        let document = try JSONValue(
            parsing: await fetch(base + "/.well-known/openid-configuration"), maximumBytes: Self.documentLimit)
        // Section 4.3: another issuer's document would let it sign for this one.
        guard let named = document["issuer"]?.stringValue, named.utf8.elementsEqual(issuer.utf8) else {
            throw OIDCDocumentError.otherIssuer
        }
        guard let url = document["jwks_uri"]?.stringValue, Self.isUsable(url: url),
            issuer.hasPrefix("http:") || url.hasPrefix("https:")
        else { throw OIDCDocumentError.noKeys }
        return url
    }

    /// A set may hold keys for other uses and of other kinds: they are passed over. Two of one name are both.
    private static func keys(in bytes: [UInt8]) async throws -> [String: Key] {
        let document = try JSONValue(parsing: bytes, maximumBytes: documentLimit)
        guard let set = document["keys"]?.arrayValue, set.count <= keyLimit else { throw OIDCDocumentError.noKeys }
        var keys: [String: Key] = [:]
        var seen: Set<String> = []
        for entry in set {
            guard let id = entry["kid"]?.stringValue else { continue }
            guard seen.insert(id).inserted else {
                keys[id] = nil
                continue
            }
            keys[id] = try? await key(entry)
        }
        guard !keys.isEmpty else { throw OIDCDocumentError.noKeys }
        return keys
    }

    /// RFC 7518, section 6; RFC 8037, section 2. Nil for a key of another kind.
    private static func key(_ entry: JSONValue) async throws -> Key? {
        guard entry["use"]?.stringValue ?? "sig" == "sig" else { return nil }
        let verifier = JWTKeyCollection()
        let algorithm: OIDCToken.Algorithm
        switch (entry["kty"]?.stringValue, entry["crv"]?.stringValue) {
        case ("RSA", _):
            guard let modulus = entry["n"]?.stringValue, let exponent = entry["e"]?.stringValue,
                // 2,048 to 8,192 bits: shorter ones can be broken, longer ones cost too much.
                (256...1024).contains(Base64.decodeURL(modulus)?.count ?? 0),
                (1...4).contains(Base64.decodeURL(exponent)?.count ?? 0)
            else { return nil }
            let key = try Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent)
            await verifier.add(rsa: key, digestAlgorithm: .sha256)
            algorithm = .rs256
        case ("EC", "P-256"):
            guard let x = entry["x"]?.stringValue, let y = entry["y"]?.stringValue else { return nil }
            await verifier.add(ecdsa: try ES256PublicKey(parameters: (x, y)))
            algorithm = .es256
        case ("OKP", "Ed25519"):
            guard let x = entry["x"]?.stringValue else { return nil }
            await verifier.add(eddsa: try EdDSA.PublicKey(x: x, curve: .ed25519))
            algorithm = .edDSA
        default: return nil
        }
        guard entry["alg"]?.stringValue ?? algorithm.rawValue == algorithm.rawValue else { return nil }
        return Key(algorithm: algorithm, verifier: verifier)
    }
}

/// What is wrong with an identity provider's documents; for the log.
private enum OIDCDocumentError: Error {
    case otherIssuer
    case noKeys
}
