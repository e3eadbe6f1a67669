import KettleProvenance

/// One version of a Go module: `github.com/google/uuid v1.3.0`.
///
/// Both parts are checked when it is made, so that they can stand in paths and URLs (Go's `golang.org/x/mod/module`).
struct GoModule: Hashable, Sendable {
    let path: String
    /// With its `v`.
    let version: String

    /// - Returns: nil for a path or version that Go would not take.
    init?(path: String, version: String) {
        guard Self.isPath(path), Self.isVersion(version) else { return nil }
        self.path = path
        self.version = version
    }

    /// As Go's messages name it.
    var spec: String { "\(path)@\(version)" }

    /// Its folder in Go's module cache, and its place at a proxy: capitals as `!` and the small letter, since file systems
    /// may not tell them apart (Go Modules Reference, "GOPROXY protocol").
    var escapedPath: String { Self.escaped(path) }
    var escapedVersion: String { Self.escaped(version) }

    func packageURL(qualifiers: [String: String] = [:], subpath: String = "") -> String {
        Self.packageURL(path: path, version: version, qualifiers: qualifiers, subpath: subpath)
    }

    /// - Parameter version: nil for a folder of the source, which has none.
    static func packageURL(
        path: String, version: String?, qualifiers: [String: String] = [:], subpath: String = ""
    ) -> String {
        // The purl specification has both in lower case for this type.
        let parts = path.lowercased().split(separator: "/").map(String.init)
        return PackageURL(
            type: "golang", namespace: parts.dropLast().joined(separator: "/"), name: parts.last ?? "",
            version: version,
            qualifiers: qualifiers, subpath: subpath
        ).text
    }

    // MARK: - Forms

    static func isPath(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return (1...255).contains(path.utf8.count)
            && parts.allSatisfy { part in
                guard let first = part.utf8.first, let last = part.utf8.last else { return false }
                return first != UInt8(ascii: ".") && last != UInt8(ascii: ".") && part.utf8.allSatisfy(isPathByte)
            } && parts.first?.hasPrefix("-") == false
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "-._~".utf8.contains(byte)
    }

    /// `v1.2.3`, a pseudo-version, with `+incompatible` or without: semantic versions only.
    static func isVersion(_ version: String) -> Bool {
        guard version.utf8.count <= 255, version.hasPrefix("v") else { return false }
        let numbers = version.dropFirst().prefix { $0 != "-" && $0 != "+" }
            .split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 3
            && numbers.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
            && version.utf8.allSatisfy { isAlphanumeric($0) || ".-+".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            if character.isASCII, character.isUppercase {
                escaped += "!\(character.lowercased())"
            } else {
                escaped.append(character)
            }
        }
        return escaped
    }
}

/// Go's "h1:" sum: what `go.sum` pins (Go's `golang.org/x/mod/sumdb/dirhash`, `Hash1`).
struct GoSumHash: Hashable, Sendable {
    let digest: ContentDigest

    init(_ digest: ContentDigest) { self.digest = digest }

    /// Reads `h1:` and 32 bytes in Base64.
    init?(_ text: String) {
        guard text.hasPrefix("h1:"), let bytes = Self.decodeBase64(text.utf8.dropFirst(3)),
            let digest = ContentDigest(bytes: bytes)
        else { return nil }
        self.digest = digest
    }

    /// The sum over files: the SHA-256 of a line `<SHA-256>  <name>` for each of them, sorted by name.
    ///
    /// - Parameter files: Names without line breaks.
    init(of files: [(name: String, digest: ContentDigest)]) {
        var hasher = ContentHasher()
        for file in files.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            hasher.update(Array("\(file.digest.hex)  \(file.name)\n".utf8))
        }
        digest = hasher.finalize()
    }

    /// The sum that `go.sum` has for a module's `go.mod` alone.
    init(ofGoMod bytes: [UInt8]) {
        self.init(of: [("go.mod", ContentDigest(of: bytes))])
    }

    /// As `go.sum` has it.
    var text: String { "h1:" + Self.encodeBase64(digest.bytes) }

    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func encodeBase64(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = group.reduce(0) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
            for place in 0..<4 {
                text.append(
                    place <= group.count ? digits[Int(value >> (18 - 6 * UInt32(place)) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// 32 bytes in 44 characters, in their one spelling.
    private static func decodeBase64(_ text: Substring.UTF8View) -> [UInt8]? {
        guard text.count == 44, text.last == UInt8(ascii: "=") else { return nil }
        var (bytes, value, bits): ([UInt8], UInt32, Int) = ([], 0, 0)
        for character in text.dropLast() {
            guard let digit = digits.firstIndex(of: character) else { return nil }
            value = (value << 6 | UInt32(digit)) & 0xFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(value >> UInt32(bits) & 0xFF))
            }
        }
        // The bits that are left over must be 0, or a sum would have several spellings.
        return value & ((1 << UInt32(bits)) - 1) == 0 ? bytes : nil
    }
}
