import SystemPackage

/// Which files of a folder are artifacts: a path in which `*` stands for any characters of one component.
struct ArtifactPattern {
    private static let entryLimit = 100_000
    private static let artifactLimit = 1000

    private static let starLimit = 4

    static func isUsable(_ pattern: String) -> Bool {
        let parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
        return (1...16).contains(parts.count) && pattern.utf8.count(where: { $0 == UInt8(ascii: "*") }) <= starLimit
            && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }

    /// Finds the files that the patterns name, sorted by name.
    ///
    /// - Parameters:
    ///   - patterns: Usable ones.
    ///   - root: The source's root, in which the build could write: no link is followed.
    ///   - folder: The project's folder, relative to the root.
    /// - Throws: ``ToolchainError/noSuchArtifact(pattern:)`` for a pattern that matches nothing, and
    ///   ``ToolchainError/duplicateArtifact(name:)``.
    static func find(
        _ patterns: [String], in root: FilePath, folder: String
    ) throws(ToolchainError) -> [ArtifactPath] {
        var listing = Listing(root: root)
        var found: Set<String> = []
        for pattern in patterns {
            let places = try listing.matches(of: pattern, in: folder)
            guard !places.isEmpty, found.count + places.count <= artifactLimit else {
                throw .noSuchArtifact(pattern: pattern)
            }
            found.formUnion(places)
        }
        return try ArtifactPath.sorted(
            found.map { ArtifactPath(name: FilePath($0).lastComponent?.string ?? $0, path: $0, in: .source) })
    }

    /// Sees that the source has none of the files that the patterns name, before a build could make them.
    ///
    /// - Throws: ``ToolchainError/artifactInSource(path:)``.
    static func checkAbsence(
        of patterns: [String], in root: FilePath, folder: String
    ) throws(ToolchainError) {
        var listing = Listing(root: root)
        for pattern in patterns {
            if let place = try listing.matches(of: pattern, in: folder).first { throw .artifactInSource(path: place) }
        }
    }

    /// Folders as they were listed, each once, and all of them within one limit.
    private struct Listing {
        let source: UnpackedSource
        private var folders: [String: [SourceEntry]] = [:]
        private var seen = 0

        init(root: FilePath) { source = UnpackedSource(root: root) }

        mutating func matches(of pattern: String, in folder: String) throws(ToolchainError) -> [String] {
            var places = [folder]
            let parts = pattern.split(separator: "/").map(String.init)
            for (index, part) in parts.enumerated() {
                var next: [String] = []
                for place in places {
                    for entry in try entries(of: place)
                    where entry.isFolder == (index < parts.count - 1) && ArtifactPattern.matches(entry.name, part) {
                        next.append(place.isEmpty ? entry.name : "\(place)/\(entry.name)")
                    }
                }
                places = next
            }
            return places
        }

        private mutating func entries(of folder: String) throws(ToolchainError) -> [SourceEntry] {
            if let known = folders[folder] { return known }
            let entries = (try? source.entries(of: folder, atMost: ArtifactPattern.entryLimit - seen)) ?? []
            seen += entries.count
            guard seen < ArtifactPattern.entryLimit else {
                throw .unreadableFile(name: folder, reason: "the folders of artifacts have too many files")
            }
            folders[folder] = entries
            return entries
        }
    }

    /// Without backtracking into more than one `*` at a time: linear in the product of the lengths.
    static func matches(_ name: String, _ pattern: String) -> Bool {
        let (name, pattern) = (Array(name.utf8), Array(pattern.utf8))
        var (at, mark) = (0, 0)
        var star: Int?
        var place = 0
        while place < name.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                (star, mark) = (at, place)
                at += 1
            } else if at < pattern.count, pattern[at] == name[place] {
                at += 1
                place += 1
            } else if let star {
                at = star + 1
                mark += 1
                place = mark
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

extension ArtifactPath {
    /// - Throws: ``ToolchainError/duplicateArtifact(name:)`` for two of one name.
    static func sorted(_ artifacts: [ArtifactPath]) throws(ToolchainError) -> [ArtifactPath] {
        let sorted = artifacts.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.name == second.name {
            throw .duplicateArtifact(name: first.name)
        }
        return sorted
    }
}
