import KettleSandbox

/// A URL taken apart, by a grammar narrower than RFC 3986's.
///
/// git, curl and a general URL parser disagree about odd URLs, and what one checks another might then fetch from elsewhere.
/// So only forms that all of them read alike pass: no escapes in the host, no user name, no query, no fragment.
struct URLParts: Sendable, Hashable {
    private static let lengthLimit = 2048
    private static let hostLimit = 253
    private static let labelLimit = 63

    /// `http` or `https`.
    let scheme: String
    /// In lower case, an IPv6 address without its brackets.
    let host: String
    let port: Int?
    /// Empty, or with a slash in front; escapes as they were written.
    let path: String

    static func defaultPort(_ scheme: String) -> Int { scheme == "http" ? 80 : 443 }

    /// The same URL with scheme and host in lower case, as git wants them.
    var canonical: String { root + path }

    /// The URL without its path.
    var root: String {
        "\(scheme)://\(host.contains(":") ? "[\(host)]" : host)\(port.map { ":\($0)" } ?? "")"
    }

    /// - Throws: ``SourceError/urlTooLong(limitInBytes:)``, ``SourceError/urlMalformed(url:)``,
    ///   ``SourceError/urlSchemeNotAllowed(scheme:)`` or ``SourceError/urlHasCredentials``.
    init(parsing text: String) throws(SourceError) {
        guard text.utf8.count <= Self.lengthLimit else { throw .urlTooLong(limitInBytes: Self.lengthLimit) }
        let malformed = SourceError.urlMalformed(url: String(text.prefix(200)))
        let bytes = Array(text.utf8)
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0, bytes[0] != UInt8(ascii: "-"),
            !bytes[..<colon].contains(UInt8(ascii: "/"))
        else { throw malformed }
        // `host:path` and `ext::command` are addresses to git too; their "scheme" is just not one of these.
        scheme = Self.text(bytes[..<colon]).lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw .urlSchemeNotAllowed(scheme: String(scheme.prefix(40)))
        }
        guard bytes[(colon + 1)...].starts(with: "//".utf8) else { throw malformed }
        let rest = bytes[(colon + 3)...]
        let ends = Array("/?#".utf8)
        let authority = rest.prefix { !ends.contains($0) }
        guard !authority.contains(UInt8(ascii: "@")) else { throw .urlHasCredentials }
        let pathBytes = rest.dropFirst(authority.count)
        guard let (host, port) = Self.hostAndPort(authority), Self.isPath(pathBytes) else { throw malformed }
        self.host = host
        self.port = port
        path = Self.text(pathBytes)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    // MARK: - Host and port

    private static func hostAndPort(_ authority: ArraySlice<UInt8>) -> (host: String, port: Int?)? {
        let host: String
        let rest: ArraySlice<UInt8>
        if authority.first == UInt8(ascii: "[") {
            guard let end = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = text(authority[authority.startIndex + 1..<end]).lowercased()
            rest = authority[(end + 1)...]
            guard InternetAddress(host)?.bytes.count == 16 else { return nil }
        } else {
            let bytes = authority.prefix { $0 != UInt8(ascii: ":") }
            host = text(bytes).lowercased()
            rest = authority.dropFirst(bytes.count)
            guard isHostName(host) else { return nil }
        }
        guard let colon = rest.first else { return (host, nil) }
        let digits = rest.dropFirst()
        guard colon == UInt8(ascii: ":"), (1...5).contains(digits.count), digits.allSatisfy({ 0x30...0x39 ~= $0 }),
            let port = Int(text(digits)), 1...65_535 ~= port
        else { return nil }
        return (host, port)
    }

    /// Labels of RFC 1123, with the underscores that some names have. A final dot is refused: curl keeps addresses by name,
    /// and `a.` is not the name that was looked up.
    private static func isHostName(_ host: String) -> Bool {
        guard host.utf8.count <= hostLimit else { return false }
        return host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...labelLimit).contains(label.count)
                && label.allSatisfy {
                    0x30...0x39 ~= $0 || 0x61...0x7A ~= $0 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                }
        }
    }

    // MARK: - Path

    /// Whether a path says the same before and after a server has decoded and normalised it, so that a prefix of it means
    /// something.
    private static func isPath(_ path: ArraySlice<UInt8>) -> Bool {
        guard let first = path.first else { return true }
        let refused = Array("?#\"<>^`{|}".utf8)
        guard first == UInt8(ascii: "/"), !path.contains(where: { refused.contains($0) }) else { return false }
        return path.split(separator: UInt8(ascii: "/")).allSatisfy { segment in
            guard let decoded = unescaped(segment) else { return false }
            return decoded != Array(".".utf8) && decoded != Array("..".utf8)
                && decoded.allSatisfy {
                    $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\")
                }
        }
    }

    private static func unescaped(_ segment: ArraySlice<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        var rest = segment
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            decoded.append(high << 4 | low)
        }
        return decoded
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
