import KettleProvenance
import KettleTOML

/// Reads `Cargo.lock`, versions 1 to 4 (cargo's `src/cargo/core/resolver/encode.rs`).
///
/// Versions 3 and 4 say so. One without a version is version 1 when checksums stand in `[metadata]`, else version 2. Strict:
/// a key that cargo does not write is refused, since a later cargo may mean by it something that pins less.
struct CargoLock {
    static let fileName = "Cargo.lock"
    private static let maximumPackages = 20_000
    private static let cratesIO = [
        "registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/",
    ]

    private(set) var packages: [LockedPackage] = []
    private var metadata: TOMLTable = [:]

    /// - Throws: ``ToolchainError`` for anything that is not a lockfile of cargo's.
    init(parsing bytes: [UInt8]) throws(ToolchainError) {
        let document = try ProjectFile.parse(bytes, named: Self.fileName)
        try Self.checkVersion(document["version"])
        for key in document.keys where !["version", "package", "root", "metadata", "patch"].contains(key) {
            throw Self.malformed("the key \"\(key)\" is unknown")
        }
        metadata = try Self.table(document["metadata"], "metadata") ?? [:]
        var tables = try Self.tables(document["package"], "package")
        if let root = try Self.table(document["root"], "root") { tables.append(root) }
        guard tables.count <= Self.maximumPackages else { throw Self.malformed("it has too many packages") }
        var references: [String: [Int]] = [:]
        for (index, table) in tables.enumerated() {
            let package = try read(table)
            packages.append(package)
            // How others name it (cargo's encode.rs, `EncodablePackageId`): as shortly as it is unique.
            let spec = "\(package.name) \(package.version)"
            let source = table["source"]?.stringValue.map(Self.withoutCommit) ?? ""
            for reference in [package.name, spec, "\(spec) (\(source))"] {
                references[reference, default: []].append(index)
            }
            // The whole source, since two commits of one repository are two packages.
            let whole = "\(spec) \(table["source"]?.stringValue ?? "")\n"
            guard references.updateValue([index], forKey: whole) == nil else {
                throw Self.malformed("the package \(spec) is listed twice")
            }
        }
        guard !packages.isEmpty else { throw Self.malformed("it has no packages") }
        for (index, table) in tables.enumerated() {
            for dependency in table["dependencies"]?.arrayValue ?? [] {
                let text = dependency.stringValue ?? ""
                guard let found = references[Self.withoutCommit(text)], found.count == 1 else {
                    throw Self.malformed(
                        "\(packages[index].spec) depends on \"\(text)\", which matches no package, or several"
                    )
                }
                packages[index].dependencies.append(found[0])
            }
        }
    }

    /// Version 1 names the commit of a git source also where a package is referred to.
    private static func withoutCommit(_ source: String) -> String {
        guard let hash = source.lastIndex(of: "#") else { return source }
        return source[..<hash] + (source.hasSuffix(")") ? ")" : "")
    }

    private static func checkVersion(_ value: TOMLValue?) throws(ToolchainError) {
        switch value {
        case nil, .integer(3), .integer(4): return
        case .integer(let version): throw .unknownLockfileVersion(name: fileName, version: String(version))
        default: throw malformed("its version is not a number")
        }
    }

    // MARK: - Packages

    private func read(_ table: TOMLTable) throws(ToolchainError) -> LockedPackage {
        for key in table.keys
        where !["name", "version", "source", "checksum", "dependencies", "replace"].contains(key) {
            throw Self.malformed("the key \"\(key)\" of a package is unknown")
        }
        guard let name = try Self.string(table["name"], "name"), Self.isName(name) else {
            throw Self.malformed("a package has no usable name")
        }
        guard let version = try Self.string(table["version"], "version"), Self.isVersion(version) else {
            throw Self.malformed("the package \(name) has no usable version")
        }
        for dependency in table["dependencies"].map({ $0.arrayValue ?? [.boolean(false)] }) ?? []
        where dependency.stringValue == nil {
            throw Self.malformed("the dependencies of \(name) are not strings")
        }
        let source = try Self.string(table["source"], "source")
        let checksum = try checksum(table, "\(name) \(version)", source)
        return LockedPackage(
            name: name, version: version, origin: try origin(source, checksum, "\(name) \(version)"))
    }

    private func origin(
        _ source: String?, _ checksum: ContentDigest?, _ package: String
    ) throws(ToolchainError) -> LockedPackage.Origin {
        guard let source else {
            guard checksum == nil else { throw Self.malformed("\(package) has a checksum and no source") }
            return .source
        }
        guard source.utf8.count <= 4096, source.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Self.malformed("the source of \(package) is not a URL")
        }
        if source.hasPrefix("registry+") || source.hasPrefix("sparse+") {
            guard let checksum else { throw .missingChecksum(package: package) }
            // A sparse registry's URL keeps its scheme, as cargo's own names do.
            let url = source.hasPrefix("registry+") ? String(source.dropFirst("registry+".count)) : source
            return Self.cratesIO.contains(source) ? .publicRegistry(checksum) : .registry(url, checksum)
        }
        guard source.hasPrefix("git+") else { throw .unsupportedSource(package: package, source: source) }
        guard checksum == nil else { throw Self.malformed("\(package) comes from git and has a checksum") }
        let parts = source.dropFirst("git+".count).split(separator: "#", omittingEmptySubsequences: false)
        guard parts.count == 2, Self.isHex(parts[1], [40, 64]) else {
            throw Self.malformed("the source of \(package) names no commit")
        }
        return .git(url: String(parts[0]), commit: String(parts[1]))
    }

    /// The checksum beside a package, or version 1's in `[metadata]`.
    private func checksum(
        _ table: TOMLTable, _ package: String, _ source: String?
    ) throws(ToolchainError) -> ContentDigest? {
        let metadataKey = source.map { "checksum \(package) (\($0))" } ?? ""
        let beside = try Self.string(table["checksum"], "checksum")
        let apart = try Self.string(metadata[metadataKey], metadataKey)
        guard beside == nil || apart == nil else { throw Self.malformed("\(package) has two checksums") }
        guard let text = beside ?? apart, text != "<none>" else { return nil }
        guard Self.isHex(text[...], [64]), let digest = ContentDigest(hex: text) else {
            throw Self.malformed("the checksum of \(package) is not 64 lower-case hexadecimal digits")
        }
        return digest
    }

    // MARK: - Forms

    private static func isName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy { $0 == "-" || $0 == "_" || $0.properties.isXIDContinue }
    }

    /// Semantic versions (semver.org 2.0.0) use no other characters.
    private static func isVersion(_ version: String) -> Bool {
        (1...255).contains(version.utf8.count)
            && version.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"):
                    true
                default: false
                }
            }
    }

    private static func isHex(_ text: Substring, _ lengths: [Int]) -> Bool {
        lengths.contains(text.utf8.count) && text.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }

    private static func string(_ value: TOMLValue?, _ key: String) throws(ToolchainError) -> String? {
        guard let value else { return nil }
        guard let text = value.stringValue else { throw malformed("\"\(key)\" is not a string") }
        return text
    }

    private static func table(_ value: TOMLValue?, _ key: String) throws(ToolchainError) -> TOMLTable? {
        guard let value else { return nil }
        guard let table = value.tableValue else { throw malformed("\"\(key)\" is not a table") }
        return table
    }

    private static func tables(_ value: TOMLValue?, _ key: String) throws(ToolchainError) -> [TOMLTable] {
        guard let value else { return [] }
        guard let array = value.arrayValue else { throw malformed("\"\(key)\" is not a list of tables") }
        var tables: [TOMLTable] = []
        for element in array {
            guard let table = element.tableValue else { throw malformed("\"\(key)\" is not a list of tables") }
            tables.append(table)
        }
        return tables
    }

    private static func malformed(_ reason: String) -> ToolchainError {
        .malformedFile(name: fileName, line: nil, reason: reason)
    }
}
