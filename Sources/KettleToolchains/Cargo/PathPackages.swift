import Glibc
import KettleTOML
import SystemPackage

/// The packages that stand in the source itself, found as cargo finds them: from the project's manifest by `path`
/// dependencies, workspace members and patches (The Cargo Book, "Specifying Dependencies", "Workspaces", "Overriding
/// Dependencies").
///
/// The lockfile names such packages without a place. All manifests are read and no code of the project runs.
struct PathPackages {
    /// Folders that are looked at, at most.
    private static let folderLimit = 20_000
    /// Of all patterns together.
    private static let stepLimit = 100_000

    private let source: UnpackedSource
    /// The source's root with all links resolved.
    private let root: String
    private var pending: [String] = []
    /// Folder entries that patterns were held against.
    private var steps = 0
    private var seen: Set<String> = []
    private(set) var found: [Found] = []

    struct Found: Hashable {
        var name: String
        /// Nil where it is the workspace's.
        var version: String?
        /// Relative to the source's root.
        var folder: String
    }

    /// - Throws: ``ToolchainError/outsideSource(manifest:path:)`` where a path leads out of the source, and what a manifest
    ///   that cannot be read is worth.
    init(of layout: BuildLayout, configurationFiles: [String]) throws(ToolchainError) {
        source = UnpackedSource(root: layout.source)
        guard let root = ResolvedPath.of(layout.source.string) else { throw .noSuchFolder("") }
        self.root = root
        try enter("", from: layout.project, named: "Cargo.toml")
        // cargo's configuration may patch too; its paths begin at the folder of `.cargo`.
        for file in configurationFiles {
            let folder = file.split(separator: "/").dropLast(2).joined(separator: "/")
            try followPatches(try ProjectFile.readTOML(file, in: source.root) ?? [:], from: folder, file)
        }
        while let folder = pending.popLast() { try read(folder) }
    }

    // MARK: - Manifests

    private mutating func read(_ folder: String) throws(ToolchainError) {
        let name = folder.isEmpty ? "Cargo.toml" : "\(folder)/Cargo.toml"
        guard let manifest = try ProjectFile.readTOML(name, in: source.root) else {
            throw .unreadableFile(name: name, reason: "it is missing")
        }
        if let package = (manifest["package"] ?? manifest["project"])?.tableValue,
            let name = package["name"]?.stringValue
        {
            // cargo takes a missing version for 0.0.0.
            let version = package["version"].map(\.stringValue) ?? "0.0.0"
            found.append(Found(name: name, version: version, folder: folder))
        }
        try followDependencies(manifest, from: folder, name)
        for target in (manifest["target"]?.tableValue ?? [:]).values {
            try followDependencies(target.tableValue ?? [:], from: folder, name)
        }
        try followPatches(manifest, from: folder, name)
        try follow(manifest["replace"], from: folder, name)
        guard let workspace = manifest["workspace"]?.tableValue else { return }
        try follow(workspace["dependencies"], from: folder, name)
        for pattern in Set((workspace["members"]?.arrayValue ?? []).compactMap(\.stringValue)) {
            try enterMembers(pattern, from: folder, named: name)
        }
    }

    private mutating func followDependencies(
        _ table: TOMLTable, from folder: String, _ file: String
    ) throws(ToolchainError) {
        for key in [
            "dependencies", "dev-dependencies", "build-dependencies", "dev_dependencies", "build_dependencies",
        ] {
            try follow(table[key], from: folder, file)
        }
    }

    private mutating func followPatches(
        _ table: TOMLTable, from folder: String, _ file: String
    ) throws(ToolchainError) {
        for patches in (table["patch"]?.tableValue ?? [:]).values { try follow(patches, from: folder, file) }
    }

    /// Follows the paths in a table of dependencies.
    private mutating func follow(
        _ dependencies: TOMLValue?, from folder: String, _ file: String
    ) throws(ToolchainError) {
        for dependency in (dependencies?.tableValue ?? [:]).values {
            guard let path = dependency.tableValue?["path"]?.stringValue else { continue }
            try enter(path, from: folder, named: file)
        }
    }

    // MARK: - Places

    /// Takes a folder in to be read.
    ///
    /// Links are followed, as cargo follows them: a source's own links stay inside it.
    ///
    /// - Parameter file: Which manifest names it, for messages.
    private mutating func enter(_ path: String, from folder: String, named file: String) throws(ToolchainError) {
        let start = folder.isEmpty ? root : "\(root)/\(folder)"
        // cargo takes `..` by words before it follows links; where links make a difference, nobody should have to know.
        guard !path.hasPrefix("/"), let words = Self.normalized("\(folder)/\(path)"),
            let place = ResolvedPath.of(path.isEmpty ? start : "\(start)/\(path)"),
            place == root || place.hasPrefix(root + "/"), ResolvedPath.of("\(root)/\(words)") == place
        else { throw .outsideSource(manifest: file, path: path) }
        let relative = String(place.dropFirst(root.count + 1))
        guard seen.insert(relative).inserted else { return }
        guard seen.count <= Self.folderLimit else {
            throw .unreadableFile(name: file, reason: "it leads to more than \(Self.folderLimit) folders")
        }
        pending.append(relative)
    }

    /// A path below the root without `.` and `..`, by its words; nil where it climbs out.
    private static func normalized(_ path: String) -> String? {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil {
                return nil
            }
        }
        return parts.joined(separator: "/")
    }

    /// Takes in the folders that a pattern of workspace members stands for, those with a manifest.
    private mutating func enterMembers(
        _ pattern: String, from folder: String, named file: String
    ) throws(ToolchainError) {
        guard pattern.contains(where: { "*?[".contains($0) }) else {
            return try enter(pattern, from: folder, named: file)
        }
        var matches = [folder]
        for part in pattern.split(separator: "/") where part != "." {
            guard part.utf8.count <= 255 else {
                throw .outsideSource(manifest: file, path: String(pattern.prefix(300)))
            }
            var next: [String] = []
            for match in matches {
                let prefix = match.isEmpty ? "" : "\(match)/"
                if part == "**" {
                    next += try self.folders(below: match, atMost: Self.stepLimit - steps - next.count)
                } else if part.contains(where: { "*?[".contains($0) }) {
                    let entries = try source.entries(of: match)
                    steps += entries.count
                    try checkSteps(file)
                    for entry in entries
                    where fnmatch(String(part), entry.name, 0) == 0 && isFolder(prefix + entry.name, entry) {
                        next.append(prefix + entry.name)
                    }
                } else if part == ".." {
                    guard !match.isEmpty else { throw .outsideSource(manifest: file, path: pattern) }
                    next.append(match.split(separator: "/").dropLast().joined(separator: "/"))
                } else if (try? source.entries(of: prefix + part)) != nil {
                    next.append(prefix + part)
                }
            }
            // Patterns such as **/**/** would find the same folders over and over.
            matches = Array(Set(next))
            steps += next.count
            try checkSteps(file)
        }
        steps += matches.count
        try checkSteps(file)
        for match in matches where access("\(root)/\(match)/Cargo.toml", F_OK) == 0 {
            try enter(match, from: "", named: file)
        }
    }

    /// Links count where they lead to folders, as cargo's patterns take them.
    private func isFolder(_ path: String, _ entry: SourceEntry) -> Bool {
        var status = stat()
        return entry.isFolder
            || (stat("\(root)/\(path)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR)
    }

    private func checkSteps(_ file: String) throws(ToolchainError) {
        guard steps <= Self.stepLimit else {
            throw .unreadableFile(name: file, reason: "its patterns lead to more than \(Self.stepLimit) folders")
        }
    }

    /// A folder and all folders below it.
    private func folders(below folder: String, atMost limit: Int) throws(ToolchainError) -> [String] {
        var found = [folder]
        var index = 0
        while index < found.count, found.count <= limit {
            let prefix = found[index].isEmpty ? "" : "\(found[index])/"
            found += try source.entries(of: found[index]).filter(\.isFolder).map { prefix + $0.name }
            index += 1
        }
        return found
    }
}
