import CArchive
import Glibc
import KettleArchive

/// A gzipped tar archive on its way into a tree.
struct TarUnpacking {
    private let file: ArchiveFile
    private let writer: TreeWriter
    private let top: FileName?
    private let leftOut: FileName?
    private let repository: RepositoryCopy?

    /// - Parameters:
    ///   - top: A folder that every entry must be in, and that is not written itself.
    ///   - leftOut: What is not written, directly below.
    ///   - repository: Gets what it wants of the archive's `.git`, which the tree goes without.
    init(
        _ file: ArchiveFile, _ writer: TreeWriter, only top: FileName? = nil, without leftOut: FileName? = nil,
        repository: RepositoryCopy? = nil
    ) {
        self.file = file
        self.writer = writer
        self.top = top
        self.leftOut = leftOut
        self.repository = repository
    }

    func run() throws(SourceError) {
        let stream = try reading { () throws(ArchiveError) in
            try GzipStream(file, within: writer.limits.archive)
        }
        do throws(SourceError) {
            let reader = try reading { () throws(ArchiveError) in try ArchiveReader() }
            try reading { () throws(ArchiveError) in try reader.open(tar: stream) }
            while let entry = try reading({ () throws(ArchiveError) in try reader.nextEntry() }) {
                try add(entry, reader)
            }
            try reading { () throws(ArchiveError) in try stream.finish(after: reader.bytesRead) }
        } catch {
            // libarchive knows only that there was no more to read.
            throw stream.failure.map(SourceError.init) ?? error
        }
    }

    private func add(_ entry: OpaquePointer, _ reader: ArchiveReader) throws(SourceError) {
        guard let name = archive_entry_pathname(entry) else { throw .entryNameUnreadable }
        guard let path = try path(Self.bytes(name)) else { return }
        if path.holdsDotGit || (leftOut != nil && path.components.first == leftOut) {
            try writer.leaveOut(bytes: max(0, archive_entry_size(entry)))
            guard archive_entry_filetype(entry) == S_IFREG, archive_entry_hardlink(entry) == nil,
                let (copy, place) = try repository?.place(of: path)
            else { return }
            return try write(entry, reader, to: place, of: copy, isExecutable: false)
        }
        if let target = archive_entry_hardlink(entry) {
            guard archive_entry_size(entry) == 0 else { throw .archive(.entryAmbiguous(path: path.text)) }
            return try addHardLink(path, Self.bytes(target))
        }
        switch archive_entry_filetype(entry) {
        case S_IFREG:
            try write(entry, reader, to: path, of: writer, isExecutable: archive_entry_mode(entry) & 0o111 != 0)
        case S_IFDIR:
            try writer.addFolder(path)
        case S_IFLNK:
            guard let target = archive_entry_symlink(entry) else { throw .linkTargetInvalid(path: path.text) }
            try writer.addLink(path, target: Array(Self.bytes(target)))
        case S_IFCHR, S_IFBLK: throw .archive(.entryDevice(path: path.text))
        case S_IFIFO: throw .archive(.entryFIFO(path: path.text))
        case S_IFSOCK: throw .archive(.entrySocket(path: path.text))
        default: throw .entryTypeUnknown(path: path.text)
        }
    }

    private func write(
        _ entry: OpaquePointer, _ reader: ArchiveReader, to path: SourcePath, of writer: TreeWriter, isExecutable: Bool
    ) throws(SourceError) {
        try writer.beginFile(path, isExecutable: isExecutable)
        while let block = try reading({ () throws(ArchiveError) in try reader.nextBlock() }) {
            try writer.write(block.bytes, at: block.offset)
        }
        // A sparse file may end in a hole.
        if archive_entry_size_is_set(entry) != 0 { try writer.extendFile(to: archive_entry_size(entry)) }
        try writer.endFile()
    }

    /// Where an entry belongs; nil for the root.
    private func path(_ name: UnsafeRawBufferPointer) throws(SourceError) -> SourcePath? {
        guard let path = try SourcePath(checking: name, within: writer.limits) else { return nil }
        guard let top else { return path }
        guard path.components.first == top else { throw .entryEscapesTree(path: path.text) }
        return path.components.count == 1 ? nil : SourcePath(components: Array(path.components.dropFirst()))
    }

    /// A hard link to an earlier file of the archive becomes a copy of it.
    private func addHardLink(_ path: SourcePath, _ target: UnsafeRawBufferPointer) throws(SourceError) {
        var original: SourcePath?
        do throws(SourceError) {
            original = try self.path(target)
        } catch {
            throw .hardLinkTarget(path: path.text, target: ArchiveError.text(of: target))
        }
        guard let original, try writer.addCopy(path, of: original) else {
            throw .hardLinkTarget(path: path.text, target: ArchiveError.text(of: target))
        }
    }

    private static func bytes(_ text: UnsafePointer<CChar>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text, count: strlen(text))
    }
}
