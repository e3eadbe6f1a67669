package import SystemPackage

/// The objects and refs of an archive's `.git`, in a folder of their own. Nothing of it is believed yet.
package struct ArchivedRepository: Sendable, Hashable {
    /// Where the copy is on the host, as the inside of a `.git`.
    package var path: FilePath
    /// The folder of the archive that `.git` stood in; nil for the root.
    package var folder: String?
}

/// Copies of an archive's `.git` what says which commit is checked out, and nothing that git would run or be led elsewhere
/// by: `HEAD`, `packed-refs`, `refs/`, loose objects and packs (gitrepository-layout).
///
/// The one taken is in the root, or in a folder of the root as forges and people pack their projects; of several the first.
final class RepositoryCopy {
    private let path: FilePath
    private let limits: SourceLimits
    private var writer: TreeWriter?
    /// The folders above the `.git` that is taken.
    private var above: [FileName]?

    init(into path: FilePath, within limits: SourceLimits) {
        self.path = path
        self.limits = limits
    }

    /// Where a file below some `.git` is to be copied; nil when it is of no use.
    func place(of file: SourcePath) throws(SourceError) -> (writer: TreeWriter, path: SourcePath)? {
        guard let index = file.components.firstIndex(where: { $0.bytes.elementsEqual(".git".utf8) }), index <= 1,
            Self.isUseful(file.components.dropFirst(index + 1).map { String(decoding: $0.bytes, as: UTF8.self) })
        else { return nil }
        let above = Array(file.components[..<index])
        guard self.above == nil || self.above == above else { return nil }
        self.above = above
        let writer: TreeWriter
        if let open = self.writer {
            writer = open
        } else {
            writer = try TreeWriter(creating: path, within: limits)
            self.writer = writer
        }
        return (writer, SourcePath(components: Array(file.components.dropFirst(index + 1))))
    }

    /// What was copied; nil when there was nothing, or it stood in a folder whose name is no text.
    func finish() -> ArchivedRepository? {
        guard writer != nil, let above else { return nil }
        writer = nil
        let folder = above.first.map { String(validating: $0.bytes, as: UTF8.self) }
        if case .some(nil) = folder { return nil }
        return ArchivedRepository(path: path, folder: folder ?? nil)
    }

    func discard() { writer?.discard() }

    private static func isUseful(_ path: [String]) -> Bool {
        switch path.first {
        case "HEAD", "packed-refs": return path.count == 1
        case "refs": return path.count > 1
        case "objects":
            guard path.count == 3 else { return false }
            return path[1] == "pack" ? path[2].hasSuffix(".pack") || path[2].hasSuffix(".idx") : path[1].utf8.count == 2
        default: return false
        }
    }
}
