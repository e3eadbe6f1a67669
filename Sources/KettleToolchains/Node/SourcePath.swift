/// Paths that lockfiles name, relative to the folder that they stand in.
enum SourcePath {
    /// The path relative to the source's root.
    ///
    /// - Parameters:
    ///   - folder: The lockfile's, relative to the source's root.
    ///   - file: The lockfile's name, for errors.
    /// - Throws: ``ToolchainError/outsideSource(manifest:path:)``, and ``ToolchainError/malformedFile(name:line:reason:)`` for what is
    ///   no path.
    static func inside(_ path: String, of folder: String, named file: String) throws(ToolchainError) -> String {
        var parts = folder.split(separator: "/").map(String.init)
        guard path.utf8.count <= 4096, path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }),
            !path.hasPrefix("/")
        else { throw .malformedFile(name: file, line: nil, reason: "\"\(path)\" is not a path inside the source") }
        for part in path.split(separator: "/", omittingEmptySubsequences: false) where !path.isEmpty {
            switch part {
            case "": throw .malformedFile(name: file, line: nil, reason: "\"\(path)\" is not a path inside the source")
            case ".": continue
            case "..": guard parts.popLast() != nil else { throw .outsideSource(manifest: file, path: path) }
            default: parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }
}
