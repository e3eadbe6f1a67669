import KettleSource
import KettleToolchains

/// A source that is still packed, as its archive lists it.
struct ListedSource: SourceView {
    /// What stands in each folder, by the folder's path, empty for the root.
    private var folders: [String: [String: Bool]] = ["": [:]]
    private var filesWithContent: Set<String> = []

    init(_ entries: [ArchiveSource.ListedEntry]) {
        for entry in entries {
            if entry.isFileWithContent { filesWithContent.insert(entry.path) }
            if entry.isFolder { folders[entry.path, default: [:]] = folders[entry.path] ?? [:] }
            var path = Substring(entry.path)
            var isFolder = entry.isFolder
            // Up to the root, or to a folder that is known: an archive need not list folders.
            while !path.isEmpty {
                let slash = path.lastIndex(of: "/")
                let parent = slash.map { path[..<$0] } ?? ""
                let name = String(slash.map { path[path.index(after: $0)...] } ?? path)
                let isKnown = folders[String(parent)]?[name] != nil
                folders[String(parent), default: [:]][name] = isFolder
                if isKnown { break }
                path = parent
                isFolder = true
            }
        }
    }

    func hasFile(_ path: String) -> Bool { filesWithContent.contains(path) }

    func entries(of folder: String) throws(ToolchainError) -> [SourceEntry] {
        guard let entries = folders[folder] else { throw .noSuchFolder(folder) }
        return entries.map { SourceEntry(name: $0.key, isFolder: $0.value) }.sorted { $0.name < $1.name }
    }
}
