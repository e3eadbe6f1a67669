import CArchive
import CZlib
import Glibc
import KettleArchive

/// A ZIP archive on its way into a tree. Its directory says what there is, libarchive what is in it.
struct ZIPUnpacking {
    private let file: ArchiveFile
    private let writer: TreeWriter
    private let repository: RepositoryCopy?

    /// - Parameter repository: Gets what it wants of the archive's `.git`, which the tree goes without.
    init(_ file: ArchiveFile, _ writer: TreeWriter, repository: RepositoryCopy? = nil) {
        self.file = file
        self.writer = writer
        self.repository = repository
    }

    func run() throws(SourceError) {
        let (directory, reader) = try reading { () throws(ArchiveError) in
            (try ZIPDirectory(of: file, within: writer.limits.archive), try ArchiveReader())
        }
        try reading { () throws(ArchiveError) in try reader.open(zip: file) }
        for entry in directory.entries {
            guard try reading({ () throws(ArchiveError) in try reader.nextEntry() }) != nil else {
                throw .archive(.malformedArchive)
            }
            try add(entry, reader)
        }
        guard try reading({ () throws(ArchiveError) in try reader.nextEntry() }) == nil else {
            throw .archive(.malformedArchive)
        }
    }

    private func add(_ entry: ZIPEntry, _ reader: ArchiveReader) throws(SourceError) {
        guard let path = try SourcePath(checking: entry.name, within: writer.limits) else { return }
        if path.holdsDotGit {
            try writer.leaveOut(bytes: entry.size)
            guard case .file = entry.kind, let (copy, place) = try repository?.place(of: path) else { return }
            return try write(entry, reader, to: place, of: copy, isExecutable: false)
        }
        switch entry.kind {
        case .file(let isExecutable): try write(entry, reader, to: path, of: writer, isExecutable: isExecutable)
        case .folder:
            try writer.addFolder(path)
        case .link:
            try writer.addLink(path, target: try target(of: entry))
        }
    }

    private func write(
        _ entry: ZIPEntry, _ reader: ArchiveReader, to path: SourcePath, of writer: TreeWriter, isExecutable: Bool
    ) throws(SourceError) {
        try writer.beginFile(path, isExecutable: isExecutable)
        var size: Int64 = 0
        while let block = try reading({ () throws(ArchiveError) in try reader.nextBlock() }) {
            try writer.write(block.bytes, at: block.offset)
            size = block.offset + Int64(block.bytes.count)
        }
        guard size == entry.size else { throw .archive(.malformedArchive) }
        try writer.endFile()
    }

    /// A link's content is its target. libarchive would end it at a NUL, and does not check its checksum.
    private func target(of entry: ZIPEntry) throws(SourceError) -> [UInt8] {
        let target = try reading { () throws(ArchiveError) in
            try file.bytes(at: entry.dataOffset, count: Int(entry.size))
        }
        guard UInt32(truncatingIfNeeded: crc32(0, target, uInt(target.count))) == entry.crc else {
            throw .archive(.malformedArchive)
        }
        return target
    }
}
