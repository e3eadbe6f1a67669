import KettleArchive
package import SystemPackage

/// Where an uploaded archive is: on the disk, or in memory when it is small.
package enum UploadedArchive: Sendable {
    case file(FilePath)
    /// An open file, which stays open.
    case open(CInt)
    case memory([UInt8])

    func open() throws(SourceError) -> ArchiveFile {
        try reading { () throws(ArchiveError) in
            switch self {
            case .file(let path): try ArchiveFile(at: path.string)
            case .open(let descriptor): try ArchiveFile(descriptor: descriptor)
            case .memory(let bytes): ArchiveFile(bytes: bytes)
            }
        }
    }
}

/// Unpacks an uploaded archive.
package enum ArchiveSource {
    /// One file or folder that an archive lists.
    package struct ListedEntry: Sendable, Hashable {
        /// Relative to the source's root.
        package var path: String
        package var isFolder: Bool
        /// Whether it is a regular file that holds something.
        package var isFileWithContent: Bool
    }

    /// What an archive would become, by its own directory, with nothing written.
    ///
    /// - Returns: nil for an archive that has none: to know what is in a tar.gz is to unpack it.
    /// - Throws: ``SourceError`` for what ``unpack(_:into:within:)`` would refuse by names and places alone.
    package static func list(
        _ archive: UploadedArchive, within limits: SourceLimits
    ) throws(SourceError) -> [ListedEntry]? {
        let file = try archive.open()
        let directory = try reading { () throws(ArchiveError) in
            try ArchiveFormat.of(file) == .zip ? ZIPDirectory(of: file, within: limits.archive) : nil
        }
        guard let directory else { return nil }
        var listed: [ListedEntry] = []
        for entry in directory.entries {
            guard let path = try SourcePath(checking: entry.name, within: limits), !path.holdsDotGit else { continue }
            var item = ListedEntry(path: path.text, isFolder: false, isFileWithContent: false)
            switch entry.kind {
            case .file: item.isFileWithContent = entry.size > 0
            case .folder: item.isFolder = true
            case .link: break
            }
            listed.append(item)
        }
        return listed
    }

    /// Writes the archive's files, folders and safe links to a new folder. What is called `.git` is left out: it is the
    /// uploader's claim about a repository and nothing that Kettle saw.
    ///
    /// Blocks. On any error nothing is left of the folders.
    ///
    /// - Parameter repository: A new folder for the objects and refs of the archive's `.git`, so that its claim can be
    ///   checked; nil leaves all of it out.
    /// - Returns: The repository that was copied, if there was one.
    @discardableResult
    package static func unpack(
        _ archive: UploadedArchive, into folder: FilePath, repository: FilePath? = nil, within limits: SourceLimits
    ) throws(SourceError) -> ArchivedRepository? {
        let writer = try TreeWriter(creating: folder, within: limits)
        let copy = repository.map { RepositoryCopy(into: $0, within: limits) }
        do throws(SourceError) {
            let file = try archive.open()
            writer.archiveBytes = file.size
            try unpack(file, with: writer, copy)
            guard !writer.isEmpty else { throw .archive(.emptyArchive) }
            try writer.finish()
            return copy?.finish()
        } catch {
            writer.discard()
            copy?.discard()
            throw error
        }
    }

    private static func unpack(
        _ file: ArchiveFile, with writer: TreeWriter, _ repository: RepositoryCopy?
    ) throws(SourceError) {
        switch try reading({ () throws(ArchiveError) in try ArchiveFormat.of(file) }) {
        case .zip: try ZIPUnpacking(file, writer, repository: repository).run()
        case .tarGzip: try TarUnpacking(file, writer, repository: repository).run()
        case nil: throw .archive(.notAnArchive)
        }
    }
}
