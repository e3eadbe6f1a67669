import Crypto
import KettleAttestation
import KettleProvenance
package import KettleStore

/// A token that `kettle token create` made: `kettle_`, 12 hexadecimal digits that are its id, `_`, and 256 random bits as 43
/// letters of base64url.
///
/// The beginning is for people and for programs that look for leaked secrets. The service keeps the SHA-256 of the whole
/// text: 256 random bits cannot be guessed at any speed, so a hash that is slow on purpose, as for passwords, would
/// only cost every request.
package struct AccessToken: Sendable, Hashable {
    private static let prefix = "kettle_"
    private static let idLength = 12
    private static let secretLength = 43

    /// The secret.
    package let text: String

    package var id: String { String(text.dropFirst(Self.prefix.utf8.count).prefix(Self.idLength)) }

    /// Draws a new token from the system's random number generator.
    package init() {
        var generator = SystemRandomNumberGenerator()
        func random(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        }
        let id = random(Self.idLength / 2).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        text = "\(Self.prefix)\(id)_\(Base64.encodeURL(random(32)))"
    }

    /// Reads a token as a caller shows it; nil unless it has exactly the form that ``init()`` makes.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix) else { return nil }
        let rest = text.utf8.dropFirst(Self.prefix.utf8.count)
        let (id, secret) = (rest.prefix(Self.idLength), rest.dropFirst(Self.idLength + 1))
        guard rest.count == Self.idLength + 1 + Self.secretLength,
            rest.dropFirst(Self.idLength).first == UInt8(ascii: "_"),
            id.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            Base64.decodeURL(String(decoding: secret, as: UTF8.self))?.count == 32
        else { return nil }
        self.text = text
    }

    /// What the service keeps of it.
    package func stored(
        owner: String, label: String?, scopes: Set<Caller.Scope>, at time: Int64, expiresAt: Int64?
    ) -> StoredToken {
        StoredToken(
            id: id, digest: ContentDigest(of: text.utf8), owner: owner, label: label,
            scopes: scopes.sorted().map(\.rawValue), createdAt: time, expiresAt: expiresAt)
    }

    /// Whether this is that token. Takes the same time wherever the two differ.
    package func matches(_ stored: StoredToken) -> Bool {
        SHA256.hash(data: Array(text.utf8)) == stored.digest.bytes
    }
}

/// The name of an owner, as the operator gives it: 1 to 64 letters, digits and `.`, `_`, `-`, `@`, beginning with a letter
/// or a digit.
///
/// It has no colon, so none is ever one that ``OIDCRule`` makes of a subject.
package enum OwnerName {
    package static func isValid(_ text: String) -> Bool {
        func isPlain(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first, isPlain(first) else { return false }
        return text.utf8.allSatisfy { isPlain($0) || "._-@".utf8.contains($0) }
    }
}
