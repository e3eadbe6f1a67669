import CArchive
import Glibc

/// The entries of a ZIP archive as its directory lists them, read before libarchive sees the file.
///
/// libarchive decodes what it can and passes over much that makes an archive mean different things to different programs:
/// names that differ between directory and entry, bytes that several entries share, bytes that belong to none. All of that
/// is refused here.
package struct ZIPDirectory {
    /// By their places in the file, which is the order in which libarchive gives them out.
    package let entries: [ZIPEntry]

    package init(of file: ArchiveFile, within limits: ArchiveLimits) throws(ArchiveError) {
        let end = try ZIPEndRecord(of: file)
        guard end.entries > 0 || end.directorySize > 0 else {
            throw end.directoryOffset == 0 ? .emptyArchive : .malformedArchive
        }
        guard end.entries <= UInt64(limits.entries) else { throw .tooManyEntries(limit: limits.entries) }
        var entries: [ZIPEntry] = []
        var position = end.directoryOffset
        var bytes: Int64 = 0
        for _ in 0..<end.entries {
            let entry = try ZIPEntry(at: position, in: file)
            position += entry.directoryBytes
            guard position <= end.directoryOffset + end.directorySize else { throw .malformedArchive }
            guard entry.size <= limits.bytes - bytes else { throw .tooLarge(limitInBytes: limits.bytes) }
            bytes += entry.size
            if case .link = entry.kind, entry.isDeflated || entry.size > Int64(limits.linkBytes) {
                throw .linkTargetInvalid(path: entry.text)
            }
            entries.append(entry)
        }
        guard position == end.directoryOffset + end.directorySize else { throw .malformedArchive }
        entries.sort { $0.offset < $1.offset }
        self.entries = entries
        try checkPlaces(before: end.directoryOffset)
    }

    /// Entries lie one behind the other from the file's first byte to the directory.
    private func checkPlaces(before directory: Int64) throws(ArchiveError) {
        var end: Int64 = 0
        // 4.3.9: a descriptor has 12 to 24 bytes, or was forgotten.
        var slack: Int64 = 0
        for entry in entries {
            guard entry.offset >= end else { throw .entriesOverlap }
            guard entry.offset <= end + slack else { throw .malformedArchive }
            end = entry.end
            slack = entry.hasDescriptor ? 24 : 0
        }
        guard (end...end + slack).contains(directory) else { throw .malformedArchive }
    }
}
