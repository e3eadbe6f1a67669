/// A ZIP archive made field by field (PKWARE APPNOTE 6.3.10), so that each can be what no honest tool writes.
package struct PackedZIP: Sendable {
    package struct Entry: Sendable {
        package var name: [UInt8]
        package var content: [UInt8]
        /// What lies in the archive, where it is not the content as it is.
        package var data: [UInt8]?
        package var method: UInt16 = 0
        package var flags: UInt16 = 0
        /// 3 in the high byte is Unix, whose modes are in the high half of the external attributes.
        package var madeBy: UInt16 = 0x031E
        package var mode: UInt16 = 0o100644
        package var crc: UInt32?
        package var packedSize: UInt32?
        package var size: UInt32?
        package var extra: [UInt8] = []
        package var disk: UInt16 = 0
        package var offset: UInt32?

        // The local header says the same as the directory where these are nil.
        package var localName: [UInt8]?
        package var localMethod: UInt16?
        package var localFlags: UInt16?
        package var localCRC: UInt32?
        package var localPackedSize: UInt32?
        package var localSize: UInt32?
        package var localExtra: [UInt8]?
        package var localSignature: UInt32 = 0x0403_4B50
        /// Follows the data.
        package var descriptor: [UInt8] = []
        /// The directory names bytes that another entry brought.
        package var isDirectoryOnly = false

        package init(_ name: String, _ content: String = "boo\n", mode: UInt16 = 0o100644) {
            self.init(Array(name.utf8), Array(content.utf8), mode: mode)
        }

        package init(_ name: [UInt8], _ content: [UInt8], mode: UInt16 = 0o100644) {
            self.name = name
            self.content = content
            self.mode = mode
        }

        package static func link(_ name: String, to target: String) -> Entry { Entry(name, target, mode: 0o120777) }

        /// The same entry with fields changed.
        package func with(_ change: (inout Entry) -> Void) -> Entry {
            var copy = self
            change(&copy)
            return copy
        }
    }

    package var entries: [Entry]
    /// Stands between the entries and the directory.
    package var beforeDirectory: [UInt8] = []
    /// Stands between the directory and the end record.
    package var beforeEnd: [UInt8] = []
    package var endSignature: UInt32 = 0x0605_4B50
    package var disk: UInt16 = 0
    package var directoryDisk: UInt16 = 0
    package var entriesOnDisk: UInt16?
    package var entryCount: UInt16?
    package var directorySize: UInt32?
    package var directoryOffset: UInt32?
    package var commentSize: UInt16?
    package var comment: [UInt8] = []
    /// Adds a Zip64 end record and its locator.
    package var zip64: Zip64?

    package struct Zip64: Sendable {
        package var entryCount: UInt64?
        package var directorySize: UInt64?
        package var directoryOffset: UInt64?
        package var recordSize: UInt64 = 44
        package var recordOffset: UInt64?
        package var disks: UInt32 = 1

        package init(
            entryCount: UInt64? = nil, directorySize: UInt64? = nil, directoryOffset: UInt64? = nil,
            recordSize: UInt64 = 44,
            recordOffset: UInt64? = nil, disks: UInt32 = 1
        ) {
            self.entryCount = entryCount
            self.directorySize = directorySize
            self.directoryOffset = directoryOffset
            self.recordSize = recordSize
            self.recordOffset = recordOffset
            self.disks = disks
        }
    }

    package init(_ entries: Entry...) {
        self.entries = entries
    }

    package init(_ entries: [Entry], _ change: (inout PackedZIP) -> Void = { _ in }) {
        self.entries = entries
        change(&self)
    }

    package var bytes: [UInt8] {
        var result: [UInt8] = []
        var offsets: [UInt32] = []
        for entry in entries {
            offsets.append(entry.offset ?? UInt32(result.count))
            if !entry.isDirectoryOnly { result += entry.local }
        }
        result += beforeDirectory
        let start = result.count
        for (entry, offset) in zip(entries, offsets) { result += entry.central(offset) }
        let size = result.count - start
        result += beforeEnd
        if let zip64 { result += zip64.bytes(entries.count, size, start, at: result.count) }
        return result + end(size: size, start: start)
    }

    /// 4.3.16
    private func end(size: Int, start: Int) -> [UInt8] {
        LittleEndian.bytes(endSignature) + LittleEndian.bytes(disk) + LittleEndian.bytes(directoryDisk)
            + LittleEndian.bytes(entriesOnDisk ?? entryCount ?? UInt16(truncatingIfNeeded: entries.count))
            + LittleEndian.bytes(entryCount ?? UInt16(truncatingIfNeeded: entries.count))
            + LittleEndian.bytes(directorySize ?? UInt32(size)) + LittleEndian.bytes(directoryOffset ?? UInt32(start))
            + LittleEndian.bytes(commentSize ?? UInt16(comment.count)) + comment
    }
}

extension PackedZIP.Entry {
    /// 4.3.7, and the data.
    fileprivate var local: [UInt8] {
        let name = localName ?? name
        let extra = localExtra ?? extra
        return LittleEndian.bytes(localSignature) + LittleEndian.bytes(UInt16(20))
            + LittleEndian.bytes(localFlags ?? flags) + LittleEndian.bytes(localMethod ?? method)
            + LittleEndian.bytes(UInt32(0x5A21_0000))
            + LittleEndian.bytes(localCRC ?? crc ?? LittleEndian.crc32(content))
            + LittleEndian.bytes(localPackedSize ?? packedSize ?? UInt32((data ?? content).count))
            + LittleEndian.bytes(localSize ?? size ?? UInt32(content.count))
            + LittleEndian.bytes(UInt16(name.count)) + LittleEndian.bytes(UInt16(extra.count)) + name + extra
            + (data ?? content) + descriptor
    }

    /// 4.3.12
    fileprivate func central(_ offset: UInt32) -> [UInt8] {
        LittleEndian.bytes(UInt32(0x0201_4B50)) + LittleEndian.bytes(madeBy) + LittleEndian.bytes(UInt16(20))
            + LittleEndian.bytes(flags) + LittleEndian.bytes(method) + LittleEndian.bytes(UInt32(0x5A21_0000))
            + LittleEndian.bytes(crc ?? LittleEndian.crc32(content))
            + LittleEndian.bytes(packedSize ?? UInt32((data ?? content).count))
            + LittleEndian.bytes(size ?? UInt32(content.count))
            + LittleEndian.bytes(UInt16(name.count)) + LittleEndian.bytes(UInt16(extra.count))
            + LittleEndian.bytes(UInt16(0)) + LittleEndian.bytes(disk) + LittleEndian.bytes(UInt16(0))
            + LittleEndian.bytes(UInt32(mode) << 16) + LittleEndian.bytes(offset) + name + extra
    }
}

extension PackedZIP.Zip64 {
    /// 4.3.14 and 4.3.15
    fileprivate func bytes(_ count: Int, _ size: Int, _ start: Int, at offset: Int) -> [UInt8] {
        let entries = entryCount ?? UInt64(count)
        return LittleEndian.bytes(UInt32(0x0606_4B50)) + LittleEndian.bytes(recordSize)
            + LittleEndian.bytes(UInt16(45)) + LittleEndian.bytes(UInt16(45)) + LittleEndian.bytes(UInt64(0))
            + LittleEndian.bytes(entries) + LittleEndian.bytes(entries)
            + LittleEndian.bytes(directorySize ?? UInt64(size)) + LittleEndian.bytes(directoryOffset ?? UInt64(start))
            + LittleEndian.bytes(UInt32(0x0706_4B50)) + LittleEndian.bytes(UInt32(0))
            + LittleEndian.bytes(recordOffset ?? UInt64(offset)) + LittleEndian.bytes(disks)
    }
}
