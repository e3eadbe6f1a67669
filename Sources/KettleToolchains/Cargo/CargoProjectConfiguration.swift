import KettleTOML
import SystemPackage

/// What a project's own cargo configuration says about where dependencies come from.
///
/// cargo reads `.cargo/config.toml` and `.cargo/config` in the project's folder and in every folder above it, here up to the
/// source's root. With `[source]` a project can build from other code than its lockfile names; what `cargo vendor` writes is
/// understood, and anything else of the kind is refused. Other settings, such as flags and targets, are the project's.
struct CargoProjectConfiguration {
    /// The files that there are, relative to the source's root.
    private(set) var files: [String] = []

    /// A file that patches packages, which the lockfile then does not fit without.
    private(set) var patchingFile: String?

    /// The folders of the source that crates come from, relative to its root; none where they are fetched.
    private(set) var vendorFolders: [String] = []

    /// - Throws: ``ToolchainError/sourceReplacement(file:key:)``, or what a file that cannot be read is worth.
    init(of layout: BuildLayout) throws(ToolchainError) {
        var replacing: String?
        for folder in Self.folders(from: layout.project) {
            for name in ["config.toml", "config"] {
                let file = "\(folder).cargo/\(name)"
                guard let table = try ProjectFile.readTOML(file, in: layout.source) else { continue }
                files.append(file)
                try Self.refuseDetours(table, file)
                if table["patch"] != nil { patchingFile = file }
                guard let sources = table["source"] else { continue }
                // cargo would merge two such files; nobody needs that, and one is easier to be sure about.
                if replacing != nil { throw .sourceReplacement(file: file, key: "source") }
                replacing = file
                vendorFolders = try Self.vendorFolders(sources, file, folder, layout)
            }
        }
    }

    /// The project's folder and those above it, each with a slash at its end, the root as an empty text.
    private static func folders(from project: String) -> [String] {
        var parts = project.split(separator: "/")
        var folders: [String] = []
        while true {
            folders.append(parts.map { $0 + "/" }.joined())
            if parts.isEmpty { return folders }
            parts.removeLast()
        }
    }

    /// Keys that make cargo read configuration or crates from elsewhere, unseen in the lockfile.
    private static func refuseDetours(_ table: TOMLTable, _ file: String) throws(ToolchainError) {
        for key in ["paths", "include"] where table[key] != nil { throw .sourceReplacement(file: file, key: key) }
    }

    /// Nobody needs more, and each is read whole.
    private static let vendorFolderLimit = 8

    /// Follows every source, `crates-io` among them, to a folder of the source.
    private static func vendorFolders(
        _ value: TOMLValue, _ file: String, _ folder: String, _ layout: BuildLayout
    ) throws(ToolchainError) -> [String] {
        var folders: Set<String> = []
        guard let sources = value.tableValue else { throw .sourceReplacement(file: file, key: "source") }
        for (name, source) in sources {
            let keys: Set<String> = ["replace-with", "directory", "registry", "git", "branch", "tag", "rev"]
            guard let source = source.tableValue, keys.isSuperset(of: source.keys),
                source.values.allSatisfy({ $0.stringValue != nil })
            else { throw .sourceReplacement(file: file, key: "source.\(name)") }
            // Every other source ends in a folder too, or is one: a registry or repository by itself replaces nothing.
            guard let directory = try end(of: name, in: sources, file) else { continue }
            guard let place = place(of: directory, below: folder), folders.count < vendorFolderLimit,
                // By way of a link `..` leads elsewhere than by words, and cargo goes by links.
                ResolvedPath.of("\(layout.source)/\(folder)\(directory)")
                    == ResolvedPath.of("\(layout.source)/\(place)")
            else {
                throw .sourceReplacement(file: file, key: "source.\(name).directory")
            }
            folders.insert(place)
        }
        guard try end(of: "crates-io", in: sources, file) != nil else {
            throw .sourceReplacement(file: file, key: "source")
        }
        return folders.sorted()
    }

    /// The folder in which a chain of replacements ends; nil when it ends in a registry or repository.
    private static func end(
        of name: String, in sources: TOMLTable, _ file: String
    ) throws(ToolchainError) -> String? {
        var name = name
        for _ in 0...sources.count {
            guard let source = sources[name]?.tableValue else {
                throw .sourceReplacement(file: file, key: "source.\(name)")
            }
            guard let next = source["replace-with"]?.stringValue else { return source["directory"]?.stringValue }
            name = next
        }
        throw .sourceReplacement(file: file, key: "source.\(name)")
    }

    /// Where a relative path from a folder of the source leads, by its words; nil for a place outside.
    private static func place(of path: String, below folder: String) -> String? {
        guard !path.isEmpty, !path.hasPrefix("/") else { return nil }
        var parts = folder.split(separator: "/")
        for part in path.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil {
                return nil
            }
        }
        return parts.joined(separator: "/")
    }
}

/// Whether the lockfile beside a project is the one that cargo uses.
///
/// cargo takes the lockfile of the workspace's root, which may be another folder than the project's. Statements name the
/// lockfile that Kettle read, so both must be the same.
enum CargoWorkspaceRoot {
    static func check(_ layout: BuildLayout) throws(ToolchainError) {
        let own = layout.project.isEmpty ? "Cargo.toml" : "\(layout.project)/Cargo.toml"
        let manifest = try ProjectFile.readTOML(own, in: layout.source) ?? [:]
        if manifest["package"]?.tableValue?["workspace"] != nil || manifest["project"]?.tableValue?["workspace"] != nil
        {
            throw .notTheWorkspaceRoot(folder: layout.project)
        }
        if manifest["workspace"] != nil { return }
        var parts = layout.project.split(separator: "/")
        while !parts.isEmpty {
            parts.removeLast()
            let above = parts.map { $0 + "/" }.joined() + "Cargo.toml"
            if try ProjectFile.readTOML(above, in: layout.source)?["workspace"] != nil {
                throw .notTheWorkspaceRoot(folder: layout.project)
            }
        }
    }
}
