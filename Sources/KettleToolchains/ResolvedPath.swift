import Glibc

/// Where a path leads when all its links are followed.
enum ResolvedPath {
    /// - Returns: nil for a path that leads nowhere, or to a name that is no text.
    static func of(_ path: String) -> String? {
        guard !path.utf8.contains(0), let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(validatingCString: resolved)
    }
}
