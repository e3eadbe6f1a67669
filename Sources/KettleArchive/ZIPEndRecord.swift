/// Where the directory of a ZIP archive lies, from the record at the file's end.
///
/// Layouts and section numbers are those of PKWARE APPNOTE 6.3.10. Programs differ in how they look for this record and in
/// what they make of one that does not fit the file, so that two of them can see two archives in one file. Here there is one
/// record, it ends the file, and directory and record touch; what is different is refused.
struct ZIPEndRecord {
    private static let signature: UInt32 = 0x0605_4B50
    private static let bytes = 22

    let entries: UInt64
    let directoryOffset: Int64
    let directorySize: Int64

    init(of file: ArchiveFile) throws(ArchiveError) {
        let offset = try Self.find(in: file)
        // 4.3.16: disk at 4, directory's disk at 6, entries on this disk at 8, entries at 10, size at 12, offset at 16.
        let record = try file.bytes(at: offset, count: Self.bytes)
        guard record.littleEndian(at: 4, as: UInt32.self) == 0,
            record.littleEndian(at: 8, as: UInt16.self) == record.littleEndian(at: 10)
        else {
            throw .malformedArchive
        }
        var entries = UInt64(record.littleEndian(at: 10, as: UInt16.self))
        var size = UInt64(record.littleEndian(at: 12, as: UInt32.self))
        var start = UInt64(record.littleEndian(at: 16, as: UInt32.self))
        var end = offset
        if let zip64 = try Zip64(before: offset, in: file) {
            // 4.4.1.4: a field that does not hold the value holds all ones.
            guard entries == 0xFFFF || entries == zip64.entries, size == 0xFFFF_FFFF || size == zip64.directorySize,
                start == 0xFFFF_FFFF || start == zip64.directoryOffset
            else {
                throw .malformedArchive
            }
            (entries, size, start, end) = (zip64.entries, zip64.directorySize, zip64.directoryOffset, zip64.offset)
        }
        guard let directorySize = Int64(exactly: size), let directoryOffset = Int64(exactly: start),
            directoryOffset <= end, directorySize == end - directoryOffset
        else {
            throw .malformedArchive
        }
        (self.entries, self.directorySize, self.directoryOffset) = (entries, directorySize, directoryOffset)
    }

    /// The last record in the file, which its comment must take to the file's end.
    private static func find(in file: ArchiveFile) throws(ArchiveError) -> Int64 {
        guard file.size >= bytes else { throw .cutOff }
        let count = Int(min(file.size, Int64(bytes + 0xFFFF)))
        let tail = try file.bytes(at: file.size - Int64(count), count: count)
        for position in stride(from: count - bytes, through: 0, by: -1)
        where tail.littleEndian(at: position, as: UInt32.self) == signature {
            let end = position + bytes + Int(tail.littleEndian(at: position + 20, as: UInt16.self))
            guard end >= count else { throw .trailingBytes }
            guard end == count else { throw .cutOff }
            return file.size - Int64(count - position)
        }
        throw .cutOff
    }

    /// What stands before the end record when an archive is too large for its fields.
    private struct Zip64 {
        let offset: Int64
        let entries: UInt64
        let directorySize: UInt64
        let directoryOffset: UInt64

        /// nil when there is no locator before the end record.
        init?(before end: Int64, in file: ArchiveFile) throws(ArchiveError) {
            // 4.3.15, 20 bytes: disk of the record at 4, its offset at 8, number of disks at 16.
            guard end >= 20 else { return nil }
            let locator = try file.bytes(at: end - 20, count: 20)
            guard locator.littleEndian(at: 0, as: UInt32.self) == 0x0706_4B50 else { return nil }
            guard locator.littleEndian(at: 4, as: UInt32.self) == 0,
                locator.littleEndian(at: 16, as: UInt32.self) <= 1,
                let offset = Int64(exactly: locator.littleEndian(at: 8, as: UInt64.self)),
                offset <= end - 76
            else {
                throw .malformedArchive
            }
            // 4.3.14, 56 bytes: bytes that follow at 4, disk at 16, directory's disk at 20, entries on this disk at 24,
            // entries at 32, size at 40, offset at 48.
            let record = try file.bytes(at: offset, count: 56)
            guard record.littleEndian(at: 0, as: UInt32.self) == 0x0606_4B50 else { throw .malformedArchive }
            // 7.3.4: version 2 of the record is longer and comes with an encrypted directory.
            guard record.littleEndian(at: 4, as: UInt64.self) == 44 else { throw .directoryEncrypted }
            guard offset == end - 76, record.littleEndian(at: 16, as: UInt64.self) == 0,
                record.littleEndian(at: 24, as: UInt64.self) == record.littleEndian(at: 32)
            else {
                throw .malformedArchive
            }
            self.offset = offset
            entries = record.littleEndian(at: 32)
            directorySize = record.littleEndian(at: 40)
            directoryOffset = record.littleEndian(at: 48)
        }
    }
}
