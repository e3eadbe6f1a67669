/// The kinds of archive that are read, told by content and never by name.
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

    /// The kind of a file; nil for what is no archive.
    package static func of(_ file: ArchiveFile) throws(ArchiveError) -> ArchiveFormat? {
        let prefix = try file.bytes(at: 0, count: Int(min(file.size, 8)))
        return prefix.withUnsafeBytes { recognise(prefix: $0) }
    }

    /// Refuses an archive that could mean different things to different programs, whatever it holds: names that differ
    /// between a ZIP's directory and its entries, bytes that belong to no entry or to several, anything before or behind.
    package static func checkForm(of file: ArchiveFile, within limits: ArchiveLimits) throws(ArchiveError) {
        switch try of(file) {
        case .zip: _ = try ZIPDirectory(of: file, within: limits)
        case .tarGzip: try TarForm.check(GzipStream(file, within: limits))
        case nil: throw .notAnArchive
        }
    }
}
