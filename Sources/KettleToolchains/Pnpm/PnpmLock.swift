/// Reads `pnpm-lock.yaml` of the versions 5.4, 6 and 9: what pnpm 7, 8, and 9 and later write (pnpm's `lockfile/types`,
/// `lockfile/fs/src/lockfileFormatConverters.ts`).
struct PnpmLock {
    static let fileName = "pnpm-lock.yaml"
    static let limitInBytes = 16 << 20
    private static let maximumPackages = 50_000

    enum Version: String, Sendable {
        case five = "5.4"
        case six = "6.0"
        case sixPointOne = "6.1"
        case nine = "9.0"
    }

    struct Package: Sendable, Hashable {
        enum Content: Sendable, Hashable {
            case tarball(NodeTarball)
            /// A folder of the source, relative to its root.
            case folder(String)
            /// A package for other systems than this one, which pnpm leaves out here.
            case elsewhere
        }

        var content: Content
        var name: String
        var version: String
        /// By name: what they resolve to, as the lockfile says it.
        var dependencies: [String: String] = [:]
    }

    /// By key. Peers that a package was resolved with are no part of a key, since its files are the same.
    private(set) var packages: [String: Package] = [:]

    /// What the projects of the workspace need, by folder relative to the lockfile's; `.` is the lockfile's own.
    private(set) var importers: [String: [String: String]] = [:]

    let version: Version

    /// - Parameter project: The lockfile's folder, relative to the source's root.
    /// - Throws: ``ToolchainError`` for anything that is not a lockfile of pnpm's whose packages Kettle can vouch for.
    init(parsing bytes: [UInt8], project: String = "") throws(ToolchainError) {
        let document: LockfileYAML
        do {
            document = try LockfileYAML(parsing: bytes)
        } catch {
            throw .malformedFile(name: Self.fileName, line: error.line, reason: error.reason)
        }
        guard let text = document["lockfileVersion"]?.textValue else {
            throw Self.malformed("it has no lockfileVersion")
        }
        guard let version = Version(rawValue: text) else {
            throw .unknownLockfileVersion(name: Self.fileName, version: text)
        }
        self.version = version
        let listed = try Self.map(document["packages"], "packages")
        guard listed.count <= Self.maximumPackages else { throw Self.malformed("it has too many packages") }
        let reader = PnpmPackageReader(version: version, project: project)
        let snapshots = version == .nine ? try Self.map(document["snapshots"], "snapshots") : listed
        // Version 9 keeps apart what a package is and what it was resolved with.
        var resolved: [String: [LockfileYAML]] = [:]
        for (key, value) in snapshots { resolved[PnpmKey.withoutPeers(key, version), default: []].append(value) }
        for (key, value) in listed.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            let plain = PnpmKey.withoutPeers(key, version)
            let uses = resolved[plain] ?? []
            let package = try reader.package(value, key: plain, uses: uses)
            guard packages[plain].map({ $0.content == package.content }) ?? true else {
                throw Self.malformed("the package \(plain) is locked as two different ones")
            }
            packages[plain] = package
        }
        try readImporters(document, project)
    }

    private mutating func readImporters(_ document: LockfileYAML, _ project: String) throws(ToolchainError) {
        // Before version 9 a lockfile of one project has its dependencies at the top.
        let listed = try Self.map(document["importers"], "importers")
        for (folder, value) in listed.isEmpty ? [".": document] : listed {
            _ = try SourcePath.inside(folder, of: project, named: Self.fileName)
            importers[folder] = try PnpmPackageReader.dependencies(
                value, ["dependencies", "devDependencies", "optionalDependencies"])
        }
    }

    /// All tarballs, in order of their keys.
    var tarballs: [NodeTarball] {
        packages.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.compactMap { _, package in
            if case .tarball(let tarball) = package.content { tarball } else { nil }
        }
    }

    /// The key of the package that a dependency resolves to; nil for a project of the workspace.
    ///
    /// - Parameters:
    ///   - name: The name by which it is needed.
    ///   - reference: What the lockfile has for it: a version, or the key of a package of another name.
    func key(of name: String, _ reference: String) -> String? {
        let plain = PnpmKey.withoutPeers(reference, version)
        for candidate in [plain, PnpmKey.make(name, plain, version)] where packages[candidate] != nil {
            return candidate
        }
        return nil
    }

    static func map(_ value: LockfileYAML?, _ key: String) throws(ToolchainError) -> [String: LockfileYAML] {
        guard let value else { return [:] }
        // An empty block is empty text.
        if value.textValue == "" { return [:] }
        guard let members = value.mapValue else { throw malformed("\"\(key)\" is not a mapping") }
        return members
    }

    static func malformed(_ reason: String) -> ToolchainError {
        .malformedFile(name: fileName, line: nil, reason: reason)
    }
}

/// How packages are called in a lockfile of pnpm's (pnpm's `packages/dependency-path`).
enum PnpmKey {
    /// Without the peers that a package was resolved with: in parentheses, before version 6 behind an underscore.
    static func withoutPeers(_ key: String, _ version: PnpmLock.Version) -> String {
        switch version {
        case .six, .sixPointOne, .nine: return String(key.prefix { $0 != "(" })
        case .five:
            guard let slash = key.lastIndex(of: "/"), key.hasPrefix("/") else {
                return String(key.prefix { $0 != "_" })
            }
            // A name may have underscores. Peers may have slashes, but only those with scopes, escaped as plus signs.
            return String(key[..<slash]) + key[slash...].prefix { $0 != "_" }
        }
    }

    static func make(_ name: String, _ packageVersion: String, _ version: PnpmLock.Version) -> String {
        switch version {
        case .five: "/\(name)/\(packageVersion)"
        case .six, .sixPointOne: "/\(name)@\(packageVersion)"
        case .nine: "\(name)@\(packageVersion)"
        }
    }

    /// The name and version that a key without peers is made of; nil for a package from elsewhere than a registry.
    static func parse(_ key: String, _ version: PnpmLock.Version) -> (name: String, version: String)? {
        var rest = key[...]
        if version != .nine {
            guard rest.hasPrefix("/") else { return nil }
            rest = rest.dropFirst()
        }
        // No name has an at sign but a scope's; what stands behind it may.
        let place = version == .five ? rest.dropFirst().lastIndex(of: "/") : rest.dropFirst().firstIndex(of: "@")
        guard let place else { return nil }
        return (String(rest[..<place]), String(rest[rest.index(after: place)...]))
    }
}
