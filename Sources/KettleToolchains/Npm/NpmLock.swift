import KettleProvenance

/// Reads `package-lock.json` and `npm-shrinkwrap.json`, versions 2 and 3 (npm's `docs/content/configuring-npm/package-lock-json.md`,
/// arborist's `lib/shrinkwrap.js`).
///
/// npm reads `packages` alone, a member for each place that a package stands in; the `dependencies` that version 2 has besides
/// are for npm 6. What members say of licences, engines and the like is passed over: it decides nothing about bytes.
struct NpmLock {
    static let limitInBytes = 16 << 20
    private static let maximumPackages = 50_000

    /// What is in one place.
    struct Entry: Sendable, Hashable {
        enum Content: Sendable, Hashable {
            /// A folder of the source: the project itself, a member of its workspace, or a dependency by path.
            case folder
            /// A link to the folder at another place.
            case link(to: String)
            case tarball(NodeTarball)
            /// It comes in the tarball of a package that it stands in.
            case bundled
            /// A package for other systems than this one, which npm leaves out here.
            case elsewhere
        }

        var content: Content
        /// What the place or the entry says; empty where neither does.
        var name: String
        var version: String
        /// The names of packages that it may need. Which they are is a matter of places: see ``target(of:from:)``.
        var dependencies: [String]
    }

    /// By place, relative to the project's folder; the project itself is empty text.
    private(set) var entries: [String: Entry] = [:]

    /// - Parameters:
    ///   - file: Its name, for errors.
    ///   - project: The project's folder, relative to the source's root.
    /// - Throws: ``ToolchainError`` for anything that is not a lockfile of npm's whose packages Kettle can vouch for.
    init(parsing bytes: [UInt8], named file: String, project: String = "") throws(ToolchainError) {
        let document: JSONValue
        do {
            document = try JSONValue(
                parsing: bytes, maximumBytes: Self.limitInBytes, maximumValues: 2_000_000)
        } catch {
            throw .malformedFile(name: file, line: nil, reason: error.message)
        }
        guard document.objectValue != nil else {
            throw .malformedFile(name: file, line: nil, reason: "it is not a JSON object")
        }
        switch document["lockfileVersion"] {
        case .integer(2), .integer(3): break
        // npm 5 and 6: no places, and SHA-1 for many packages.
        case .integer(let version): throw .unknownLockfileVersion(name: file, version: String(version))
        case nil: throw .unknownLockfileVersion(name: file, version: "none")
        default: throw .malformedFile(name: file, line: nil, reason: "its version is not a number")
        }
        guard let packages = document["packages"]?.objectValue, packages[""] != nil else {
            throw .malformedFile(name: file, line: nil, reason: "it has no packages, or not the project among them")
        }
        guard packages.count <= Self.maximumPackages else {
            throw .malformedFile(name: file, line: nil, reason: "it has too many packages")
        }
        let reader = NpmLockReader(file: file, project: project)
        // Sorted, so that of several errors always the same one is told.
        for (place, value) in packages.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            entries[place] = try reader.entry(value, at: place)
        }
        for (place, entry) in entries.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            try check(entry, at: place, in: file)
        }
    }

    private func check(_ entry: Entry, at place: String, in file: String) throws(ToolchainError) {
        switch entry.content {
        case .link(let target):
            guard entries[target]?.content == .folder else {
                throw .malformedFile(name: file, line: nil, reason: "\"\(place)\" is a link to no folder")
            }
        case .bundled:
            var owner = NpmPlace.outer(place)
            while let place = owner, case .bundled? = entries[place]?.content { owner = NpmPlace.outer(place) }
            switch owner.flatMap({ entries[$0]?.content }) {
            case .tarball, .elsewhere: break
            default:
                throw .malformedFile(
                    name: file, line: nil,
                    reason: "\"\(place)\" is bundled, and is in no package that has a tarball")
            }
        case .folder, .tarball, .elsewhere: break
        }
    }

    /// All tarballs, in order of their places.
    var tarballs: [NodeTarball] {
        entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.compactMap { _, entry in
            if case .tarball(let tarball) = entry.content { tarball } else { nil }
        }
    }

    /// The place of the package that code at a place gets by a name: the nearest `node_modules`, inside out, links followed.
    func target(of name: String, from place: String) -> String? {
        var here: String? = place
        while let folder = here {
            let candidate = folder.isEmpty ? "node_modules/\(name)" : "\(folder)/node_modules/\(name)"
            if let entry = entries[candidate] {
                if case .link(let target) = entry.content { return target }
                return candidate
            }
            here = NpmPlace.above(folder)
        }
        return nil
    }
}

/// Places of packages: folders below `node_modules`, in each other.
enum NpmPlace {
    private static let folder = "node_modules/"

    /// What a package is called by its place; nil for a place that is not below `node_modules`.
    static func name(_ place: String) -> String? {
        let parts = place.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = parts.lastIndex(of: "node_modules") else { return nil }
        return parts[(last + 1)...].joined(separator: "/")
    }

    /// The place of the package that a place below `node_modules` stands in; nil for the outermost.
    static func outer(_ place: String) -> String? {
        let parts = place.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = parts.lastIndex(of: "node_modules") else { return nil }
        return parts[..<last].joined(separator: "/")
    }

    /// Where Node.js looks next for a package that has not been found in a place.
    static func above(_ place: String) -> String? {
        guard !place.isEmpty else { return nil }
        if let outer = outer(place) { return outer }
        let parts = place.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast().joined(separator: "/")
    }
}
