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

    /// Whether crates come from a folder of the source.
    private(set) var isVendored = false

    /// - Throws: ``ToolchainError/sourceReplacement(file:key:)``, or what a file that cannot be read is worth.
    init(of layout: BuildLayout) throws(ToolchainError) {
        var replacing: String?
        for folder in Self.folders(from: layout.project) {
            for name in ["config.toml", "config"] {
                let file = "\(folder).cargo/\(name)"
                guard let table = try ProjectFile.readTOML(file, in: layout.source) else { continue }
                files.append(file)
                try Self.refuseDetours(table, file)
                guard let sources = table["source"] else { continue }
                // cargo would merge two such files; nobody needs that, and one is easier to be sure about.
                if replacing != nil { throw .sourceReplacement(file: file, key: "source") }
                replacing = file
                try Self.requireVendoring(sources, file, folder)
                isVendored = true
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

    /// Follows `crates-io` to a folder of the source.
    private static func requireVendoring(
        _ value: TOMLValue, _ file: String, _ folder: String
    ) throws(ToolchainError) {
        guard let sources = value.tableValue else { throw .sourceReplacement(file: file, key: "source") }
        for (name, source) in sources {
            let keys: Set<String> = ["replace-with", "directory", "registry", "git", "branch", "tag", "rev"]
            guard let source = source.tableValue, keys.isSuperset(of: source.keys),
                source.values.allSatisfy({ $0.stringValue != nil })
            else { throw .sourceReplacement(file: file, key: "source.\(name)") }
            // Every other source ends in a folder too, or is one: a registry or repository by itself replaces nothing.
            guard let directory = try end(of: name, in: sources, file) else { continue }
            guard isInside(directory, below: folder) else {
                throw .sourceReplacement(file: file, key: "source.\(name).directory")
            }
        }
        guard try end(of: "crates-io", in: sources, file) != nil else {
            throw .sourceReplacement(file: file, key: "source")
        }
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

    /// Whether a relative path from a folder of the source stays in the source, by its words.
    private static func isInside(_ path: String, below folder: String) -> Bool {
        guard !path.isEmpty, !path.hasPrefix("/") else { return false }
        var depth = folder.split(separator: "/").count
        for part in path.split(separator: "/") where part != "." {
            depth += part == ".." ? -1 : 1
            if depth < 0 { return false }
        }
        return true
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
