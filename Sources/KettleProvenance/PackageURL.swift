/// A package URL (ECMA-427, "purl"): the name of a package across package managers.
///
///     pkg:cargo/serde@1.0.200?repository_url=https:%2F%2Fcrates.example#a/folder
public struct PackageURL: Hashable, Sendable {
    /// The package manager, in lower case: `cargo`.
    public var type: String
    /// What stands before the name, its components separated by slashes; empty for none.
    public var namespace: String
    public var name: String
    public var version: String?
    /// Where the package comes from when it is not the type's own registry, such as `repository_url` or `vcs_url`.
    public var qualifiers: [String: String]
    /// A folder inside what the rest of the URL names, its components separated by slashes; empty for none.
    public var subpath: String

    public init(
        type: String, namespace: String = "", name: String, version: String? = nil, qualifiers: [String: String] = [:],
        subpath: String = ""
    ) {
        self.type = type
        self.namespace = namespace
        self.name = name
        self.version = version
        self.qualifiers = qualifiers
        self.subpath = subpath
    }

    /// Reads a package URL ("How to parse a purl string to its components").
    ///
    /// - Returns: nil for what is none: without `pkg:`, type or name, or with escapes that are not UTF-8.
    public init?(parsing text: String) {
        // By bytes: none of the characters that it is cut at is a part of another one in UTF-8.
        let bytes = Array(text.utf8)
        guard bytes.starts(with: "pkg:".utf8) else { return nil }
        var rest = bytes.dropFirst(4).drop { $0 == UInt8(ascii: "/") }
        var (subpath, qualifiers, version): (String, [String: String], String?) = ("", [:], nil)
        if let hash = rest.lastIndex(of: UInt8(ascii: "#")) {
            let segments = rest[(hash + 1)...].split(separator: UInt8(ascii: "/")).filter {
                !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8)
            }
            guard let decoded = Self.decoded(segments) else { return nil }
            subpath = decoded
            rest = rest[..<hash]
        }
        if let mark = rest.lastIndex(of: UInt8(ascii: "?")) {
            for pair in rest[(mark + 1)...].split(separator: UInt8(ascii: "&")) {
                let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1)
                guard parts.count == 2, let value = Self.decoded(parts[1]) else { continue }
                let key = String(decoding: parts[0], as: UTF8.self).lowercased()
                guard qualifiers.updateValue(value, forKey: key) == nil else { return nil }
            }
            rest = rest[..<mark]
        }
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        type = String(decoding: rest[..<slash], as: UTF8.self).lowercased()
        rest = rest[(slash + 1)...]
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            guard let decoded = Self.decoded(rest[(at + 1)...]) else { return nil }
            version = decoded
            rest = rest[..<at]
        }
        let segments = rest.split(separator: UInt8(ascii: "/"))
        guard let last = segments.last, let name = Self.decoded(last), let space = Self.decoded(segments.dropLast()),
            !type.isEmpty, !name.isEmpty, type.utf8.allSatisfy({ Self.isUnreserved($0) || $0 == UInt8(ascii: "+") })
        else { return nil }
        namespace = space
        self.name = name
        self.version = version
        self.qualifiers = qualifiers
        self.subpath = subpath
    }

    /// The URL in its one form: qualifiers sorted, those without a value left out, as the specification asks.
    public var text: String {
        var url = "pkg:\(type)/"
        for segment in namespace.split(separator: "/") { url += Self.encoded(segment) + "/" }
        url += Self.encoded(name[...])
        if let version, !version.isEmpty { url += "@" + Self.encoded(version[...]) }
        var separator = "?"
        for (key, value) in qualifiers.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            url += "\(separator)\(key)=\(Self.encoded(value[...]))"
            separator = "&"
        }
        // "Rules for each purl component": empty segments and those of dots are no part of a subpath.
        let segments = subpath.split(separator: "/").filter { $0 != "." && $0 != ".." }
        if !segments.isEmpty { url += "#" + segments.map(Self.encoded).joined(separator: "/") }
        return url
    }

    /// A crate: `pkg:cargo/serde@1.0.200`.
    ///
    /// - Parameters:
    ///   - name: The crate's name, case kept.
    ///   - version: The exact version, build metadata included.
    ///   - qualifiers: Where the crate comes from when it is not crates.io.
    ///   - subpath: Its folder inside that place; empty for none.
    public static func cargo(
        name: String, version: String, qualifiers: [String: String] = [:], subpath: String = ""
    ) -> String {
        PackageURL(type: "cargo", name: name, version: version, qualifiers: qualifiers, subpath: subpath).text
    }

    // MARK: - Escapes

    /// Letters, digits, `.`, `-`, `_` and `~`.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// Percent-encodes all but the unreserved characters and `:` (ECMA-427, character encoding).
    private static func encoded(_ text: Substring) -> String {
        var output: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if isUnreserved(byte) || byte == UInt8(ascii: ":") {
                output.append(byte)
            } else {
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0x0F)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func decoded(_ segments: some Sequence<ArraySlice<UInt8>>) -> String? {
        var decoded = ""
        for segment in segments {
            guard let text = self.decoded(segment) else { return nil }
            if !decoded.isEmpty { decoded += "/" }
            decoded += text
        }
        return decoded
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self).lowercased()
            guard let value = [UInt8](hexadecimal: digits), value.count == 1 else { return nil }
            bytes += value
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
