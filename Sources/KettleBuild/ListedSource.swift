import KettleSource
import KettleToolchains

/// A source that is still packed, as its archive lists it.
///
/// Made for a few questions about a long list: the answers are searched for, and nothing is kept but the list.
struct ListedSource: SourceView {
    private let listed: [ArchiveSource.ListedEntry]

    init(_ entries: [ArchiveSource.ListedEntry]) {
        listed = entries
    }

    func hasFile(_ path: String) -> Bool {
        listed.contains { $0.isFileWithContent && $0.path == path }
    }

    /// Whether any folder has a file of that name.
    func hasFile(named name: String) -> Bool {
        listed.contains { $0.isFileWithContent && ($0.path == name || $0.path.hasSuffix("/\(name)")) }
    }

    func entries(of folder: String) throws(ToolchainError) -> [SourceEntry] {
        let prefix = folder.isEmpty ? "" : folder + "/"
        var isFolder: [String: Bool] = [:]
        var isThere = folder.isEmpty
        for entry in listed {
            if entry.isFolder, entry.path == folder { isThere = true }
            guard entry.path.utf8.starts(with: prefix.utf8) else { continue }
            let rest = entry.path.utf8.dropFirst(prefix.utf8.count)
            let slash = rest.firstIndex(of: UInt8(ascii: "/"))
            let name = String(Substring(rest[..<(slash ?? rest.endIndex)]))
            guard !name.isEmpty else { continue }
            isThere = true
            // An archive need not list the folders that its files are in.
            isFolder[name] = slash != nil || entry.isFolder || isFolder[name] == true
        }
        guard isThere else { throw .noSuchFolder(folder) }
        return isFolder.map { SourceEntry(name: $0.key, isFolder: $0.value) }.sorted { $0.name < $1.name }
    }
}
