import KettleArchive
package import SystemPackage

/// Unpacks the archive of one package, as registries keep it: a gzipped tar with everything in one folder.
///
/// The same rules hold as for a source: the author of a package is no less a stranger than the author of a project.
package enum PackageArchive {
    /// What unpacking wrote, to take off the limits for the next one.
    package struct Size: Sendable, Hashable {
        package var entries: Int
        package var bytes: Int64
    }

    /// Writes what the archive has in its one folder, without that folder, to a new folder.
    ///
    /// Blocks. On any error nothing is left of the new folder.
    ///
    /// - Parameters:
    ///   - archive: An open file, read from its start by position: what was hashed through it is what is unpacked.
    ///   - top: The folder that every entry must be in, one component.
    ///   - note: A file to write beside what the archive holds. One of its name in the archive is left out.
    package static func unpack(
        _ archive: CInt, from top: String, into folder: FilePath, adding note: (name: String, content: [UInt8]),
        within limits: SourceLimits
    ) throws(SourceError) -> Size {
        let writer = try TreeWriter(creating: folder, within: limits)
        do throws(SourceError) {
            let file = try UploadedArchive.open(archive).open()
            writer.archiveBytes = file.size
            let name = FileName(note.name.utf8)
            try TarUnpacking(file, writer, only: FileName(top.utf8), without: name).run()
            guard !writer.isEmpty else { throw .archive(.emptyArchive) }
            try writer.addFile(SourcePath(components: [name]), note.content)
            try writer.finish()
            return Size(entries: writer.entries, bytes: writer.bytes)
        } catch {
            writer.discard()
            throw error
        }
    }
}

extension PackageArchive {
    /// Writes what a ZIP holds to a new folder, with all the folders that its names have.
    ///
    /// Blocks. On any error nothing is left of the new folder.
    ///
    /// - Parameter archive: An open file, read by position.
    package static func unpack(
        zip archive: CInt, into folder: FilePath, within limits: SourceLimits
    ) throws(SourceError) -> Size {
        let writer = try TreeWriter(creating: folder, within: limits)
        do throws(SourceError) {
            let file = try reading { () throws(ArchiveError) in try ArchiveFile(descriptor: archive) }
            writer.archiveBytes = file.size
            try ZIPUnpacking(file, writer).run()
            guard !writer.isEmpty else { throw .archive(.emptyArchive) }
            try writer.finish()
            return Size(entries: writer.entries, bytes: writer.bytes)
        } catch {
            writer.discard()
            throw error
        }
    }
}
