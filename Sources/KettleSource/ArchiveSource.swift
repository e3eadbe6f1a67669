package import SystemPackage

/// The kinds of archive that are taken in, told by content and never by name.
package enum ArchiveFormat: Sendable, Hashable {
    case zip
    case tarGzip

    /// Looks at the first bytes of a file.
    package static func recognise(prefix: UnsafeRawBufferPointer) -> ArchiveFormat? {
        // PKWARE APPNOTE 6.3.10, 4.3.7: a local file header; 4.3.16: the end record of an archive with no entries.
        if prefix.starts(with: [0x50, 0x4B, 0x03, 0x04]) || prefix.starts(with: [0x50, 0x4B, 0x05, 0x06]) {
            return .zip
        }
        // RFC 1952, section 2.3.1: the two magic bytes and the deflate method.
        if prefix.starts(with: [0x1F, 0x8B, 0x08]) { return .tarGzip }
        return nil
    }
}

/// Where an uploaded archive is: on the disk, or in memory when it is small.
package enum UploadedArchive: Sendable {
    case file(FilePath)
    /// An open file, which stays open.
    case open(CInt)
    case memory([UInt8])
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
        let file = try ArchiveFile(archive)
        guard try format(of: file) == .zip else { return nil }
        var listed: [ListedEntry] = []
        for entry in try ZIPDirectory(of: file, within: limits).entries {
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

    /// Refuses an archive that could mean different things to different programs, whatever it holds: names that differ
    /// between a ZIP's directory and its entries, bytes that belong to no entry or to several, anything before or behind.
    package static func checkForm(of archive: UploadedArchive, within limits: SourceLimits) throws(SourceError) {
        let file = try ArchiveFile(archive)
        switch try format(of: file) {
        case .zip: _ = try ZIPDirectory(of: file, within: limits)
        case .tarGzip: try TarForm.check(GzipStream(file, within: limits))
        case nil: throw .notAnArchive
        }
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
            let file = try ArchiveFile(archive)
            writer.archiveBytes = file.size
            try unpack(file, with: writer, copy)
            guard !writer.isEmpty else { throw .emptyArchive }
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
        switch try format(of: file) {
        case .zip: try ZIPUnpacking(file, writer, repository: repository).run()
        case .tarGzip: try TarUnpacking(file, writer, repository: repository).run()
        case nil: throw .notAnArchive
        }
    }

    private static func format(of file: ArchiveFile) throws(SourceError) -> ArchiveFormat? {
        let prefix = try file.bytes(at: 0, count: Int(min(file.size, 8)))
        return prefix.withUnsafeBytes { ArchiveFormat.recognise(prefix: $0) }
    }
}
