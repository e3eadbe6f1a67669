/// Package URLs (ECMA-427, "purl"): the names of dependencies across package managers.
public enum PackageURL {
    /// A crate: `pkg:cargo/serde@1.0.200`.
    ///
    /// - Parameters:
    ///   - name: The crate's name, case kept.
    ///   - version: The exact version, build metadata included.
    ///   - qualifiers: Where the crate comes from when it is not crates.io, such as `repository_url` or `vcs_url`. Keys are
    ///     lower-case words; a qualifier with an empty value is left out, as the specification asks.
    ///   - subpath: A folder inside what the rest of the URL names, its components separated by slashes; empty for none.
    public static func cargo(
        name: String, version: String, qualifiers: [String: String] = [:], subpath: String = ""
    ) -> String {
        var url = "pkg:cargo/\(encoded(name))@\(encoded(version))"
        var separator = "?"
        for (key, value) in qualifiers.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
            url += "\(separator)\(key)=\(encoded(value))"
            separator = "&"
        }
        // "Rules for each purl component": empty segments and those of dots are no part of a subpath.
        let segments = subpath.split(separator: "/").filter { $0 != "." && $0 != ".." }
        if !segments.isEmpty { url += "#" + segments.map { encoded(String($0)) }.joined(separator: "/") }
        return url
    }

    /// Percent-encodes all but letters, digits, `.`, `-`, `_`, `~` and `:` (ECMA-427, character encoding).
    private static func encoded(_ text: String) -> String {
        var output: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: ":"):
                output.append(byte)
            default:
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0x0F)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
