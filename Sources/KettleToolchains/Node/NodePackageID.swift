import KettleProvenance

/// A package of the npm registry by name and version, of which both are plain text.
struct NodePackageID: Sendable, Hashable {
    /// `semver`, or with a scope `@types/node`.
    let name: String
    /// A semantic version: `7.3.5`.
    let version: String

    /// - Returns: nil for a name or version that the registry has not, which may lead out of a folder or a URL.
    init?(name: String, version: String) {
        guard Self.isName(name), Self.isVersion(version) else { return nil }
        self.name = name
        self.version = version
    }

    /// For people: `@types/node@18.0.0`.
    var text: String { "\(name)@\(version)" }

    /// Where a registry has the package's tarball, relative to its own address.
    ///
    /// npm publishes to this place, and nobody can publish to another package's (registry documentation,
    /// `docs/REGISTRY-API.md`; npm's libnpmpublish, `tarballName`).
    var tarballPath: String { "\(name)/-/\(name.split(separator: "/").last ?? "")-\(version).tgz" }

    /// As package URLs have it: the scope is the namespace, its at sign escaped.
    func packageURL(_ qualifiers: [String: String] = [:], subpath: String = "") -> String {
        let parts = name.split(separator: "/")
        return PackageURL(
            type: "npm", namespace: parts.count == 2 ? String(parts[0]) : "", name: parts.last.map(String.init) ?? "",
            version: version, qualifiers: qualifiers, subpath: subpath
        ).text
    }

    /// The URL of a package that is a folder of the source, which needs neither a name nor a version.
    ///
    /// - Parameter qualifiers: Those that name the source.
    static func url(
        ofFolder path: String, name: String, version: String, _ qualifiers: [String: String]
    ) -> String {
        if let package = NodePackageID(name: name, version: version) {
            return package.packageURL(qualifiers, subpath: path)
        }
        let parts = isName(name) ? name.split(separator: "/") : []
        return PackageURL(
            type: "npm", namespace: parts.count == 2 ? String(parts[0]) : "",
            name: parts.last.map(String.init) ?? path.split(separator: "/").last.map(String.init) ?? "source",
            qualifiers: qualifiers, subpath: path
        ).text
    }

    /// npm's validate-npm-package-name, also of old packages: at most 214 characters, in a URL as they are.
    static func isName(_ name: String) -> Bool {
        guard (1...214).contains(name.utf8.count) else { return false }
        var parts = name.split(separator: "/", omittingEmptySubsequences: false)[...]
        if name.hasPrefix("@") {
            guard parts.count == 2, let scope = parts.popFirst(), isPlain(scope.dropFirst()) else { return false }
        }
        return parts.count == 1 && parts.allSatisfy { isPlain($0) && $0 != "node_modules" }
    }

    private static func isPlain(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else { return false }
        return text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "~") }
    }

    /// Semantic versions (semver.org 2.0.0) use no other characters.
    static func isVersion(_ version: String) -> Bool {
        guard let first = version.utf8.first, (0x30...0x39).contains(first), version.utf8.count <= 256 else {
            return false
        }
        return version.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "+") }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
