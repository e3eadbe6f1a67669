import Glibc

/// One entry of a ZIP archive, on whose every field the directory and the entry's own header agree.
///
/// Layouts and section numbers are those of PKWARE APPNOTE 6.3.10.
package struct ZIPEntry {
    package enum Kind {
        case file(isExecutable: Bool)
        case folder
        case link
    }

    package let kind: Kind
    /// As the archive has it: not empty, without NUL and backslash, otherwise unchecked.
    package let name: [UInt8]
    package let crc: UInt32
    package let packedSize: Int64
    package let size: Int64
    package let isDeflated: Bool
    /// Where the local header begins.
    package let offset: Int64
    /// Where the data begins.
    package let dataOffset: Int64
    /// 4.3.9: whether the checksum and the sizes stand once more behind the data.
    package let hasDescriptor: Bool
    /// What the entry takes in the directory.
    package let directoryBytes: Int64

    /// Where the data ends.
    package var end: Int64 { dataOffset + packedSize }

    /// For messages.
    package var text: String { ArchiveError.text(of: name) }
}

extension ZIPEntry {
    /// Reads the entry of the directory that begins there, and the header before its data.
    init(at position: Int64, in file: ArchiveFile) throws(ArchiveError) {
        let central = try CentralHeader(at: position, in: file)
        let local = try LocalHeader(of: central, in: file)
        kind = try central.kind()
        name = central.name
        crc = central.crc
        packedSize = central.packedSize
        size = central.size
        isDeflated = central.method == 8
        offset = central.offset
        dataOffset = local.dataOffset
        hasDescriptor = local.hasDescriptor
        directoryBytes = central.bytes
        guard packedSize <= file.size - dataOffset, isDeflated || packedSize == size else { throw .malformedArchive }
    }
}

/// 4.3.12: 46 bytes, then name, extra fields and a comment.
private struct CentralHeader {
    private let madeBy: UInt8
    private let attributes: UInt32
    let name: [UInt8]
    let flags: UInt16
    let method: UInt16
    let crc: UInt32
    let packedSize: Int64
    let size: Int64
    let offset: Int64
    let bytes: Int64

    var text: String { ArchiveError.text(of: name) }

    init(at position: Int64, in file: ArchiveFile) throws(ArchiveError) {
        let fixed = try file.bytes(at: position, count: 46)
        guard fixed.littleEndian(at: 0, as: UInt32.self) == 0x0201_4B50 else {
            // 4.3.11: the archive extra data record stands before an encrypted directory.
            throw fixed.littleEndian(at: 0, as: UInt32.self) == 0x0806_4B50 ? .directoryEncrypted : .malformedArchive
        }
        let nameBytes = Int(fixed.littleEndian(at: 28, as: UInt16.self))
        let extraBytes = Int(fixed.littleEndian(at: 30, as: UInt16.self))
        bytes = Int64(46 + nameBytes + extraBytes) + Int64(fixed.littleEndian(at: 32, as: UInt16.self))
        let rest = try file.bytes(at: position + 46, count: nameBytes + extraBytes)
        name = Array(rest.prefix(nameBytes))
        madeBy = fixed[5]
        attributes = fixed.littleEndian(at: 38)
        flags = fixed.littleEndian(at: 8)
        method = fixed.littleEndian(at: 10)
        crc = fixed.littleEndian(at: 16)
        let extra = try ZIPExtraFields(Array(rest.dropFirst(nameBytes)), name: name)
        var zip64 = extra.zip64[...]
        size = try Self.widen(fixed.littleEndian(at: 24), with: &zip64)
        packedSize = try Self.widen(fixed.littleEndian(at: 20), with: &zip64)
        offset = try Self.widen(fixed.littleEndian(at: 42), with: &zip64)
        guard fixed.littleEndian(at: 34, as: UInt16.self) == 0 else { throw .malformedArchive }
        try check()
    }

    /// 4.5.3: of the 64-bit values, those are there whose fields hold all ones, in this order.
    private static func widen(_ field: UInt32, with zip64: inout ArraySlice<UInt64>) throws(ArchiveError) -> Int64 {
        guard field == .max else { return Int64(field) }
        guard let value = zip64.popFirst(), let value = Int64(exactly: value) else { throw .malformedArchive }
        return value
    }

    private func check() throws(ArchiveError) {
        guard !name.isEmpty else { throw .entryNameEmpty }
        guard !name.contains(0) else { throw .entryNameHoldsNUL(path: text) }
        // 4.4.17.1 forbids it, and Windows programs write it nevertheless, for a slash.
        guard !name.contains(UInt8(ascii: "\\")) else { throw .entryNameHoldsBackslash(path: text) }
        // 4.4.4: bit 11 says that the name is UTF-8.
        guard flags & 0x0800 == 0 || String(validating: name, as: UTF8.self) != nil else { throw .entryNameUnreadable }
        // 4.4.4: bit 13 masks the local headers of an archive whose directory is encrypted.
        guard flags & 0x2000 == 0 else { throw .directoryEncrypted }
        // 4.4.4: bit 0 is encryption, bit 6 strong encryption.
        guard flags & 0x0041 == 0 else { throw .encrypted(path: text) }
        guard method == 0 || method == 8 else { throw .compressionUnsupported(path: text) }
    }

    /// 4.4.2.2 and 4.4.15: on Unix the mode is in the high half; on DOS 0x10 marks a folder. A slash ends a folder's name.
    func kind() throws(ArchiveError) -> ZIPEntry.Kind {
        let mode = madeBy == 3 ? attributes >> 16 : 0
        switch mode & S_IFMT {
        case S_IFLNK: return .link
        case S_IFCHR, S_IFBLK: throw .entryDevice(path: text)
        case S_IFIFO: throw .entryFIFO(path: text)
        case S_IFSOCK: throw .entrySocket(path: text)
        case 0, S_IFREG, S_IFDIR:
            let isFolder =
                mode & S_IFMT == S_IFDIR || name.last == UInt8(ascii: "/") || (madeBy == 0 && attributes & 0x10 != 0)
            guard isFolder else { return .file(isExecutable: mode & 0o111 != 0) }
            guard size == 0 else { throw .entryAmbiguous(path: text) }
            return .folder
        default: throw .entryTypeUnknown(path: text)
        }
    }
}

/// 4.3.7: 30 bytes, then name and extra fields. Says the same as the directory, or nothing.
private struct LocalHeader {
    let dataOffset: Int64
    let hasDescriptor: Bool

    init(of central: CentralHeader, in file: ArchiveFile) throws(ArchiveError) {
        let fixed = try file.bytes(at: central.offset, count: 30)
        guard fixed.littleEndian(at: 0, as: UInt32.self) == 0x0403_4B50 else { throw .malformedArchive }
        let nameBytes = Int(fixed.littleEndian(at: 26, as: UInt16.self))
        let extraBytes = Int(fixed.littleEndian(at: 28, as: UInt16.self))
        let rest = try file.bytes(at: central.offset + 30, count: nameBytes + extraBytes)
        let flags: UInt16 = fixed.littleEndian(at: 6)
        guard flags & 0x2041 == 0 else { throw .encrypted(path: central.text) }
        // 4.4.4: bit 3 lets the checksum and the sizes be zero here.
        hasDescriptor = flags & 0x0008 != 0
        dataOffset = central.offset + 30 + Int64(nameBytes + extraBytes)
        let extra = try ZIPExtraFields(Array(rest.dropFirst(nameBytes)), name: central.name)
        let sizes = [(22, central.size), (18, central.packedSize)]
        var agrees = rest.prefix(nameBytes).elementsEqual(central.name)
        agrees = agrees && fixed.littleEndian(at: 8, as: UInt16.self) == central.method
        agrees = agrees && isSame(Int64(fixed.littleEndian(at: 14, as: UInt32.self)), as: Int64(central.crc))
        var zip64 = extra.zip64[...]
        for (place, expected) in sizes {
            let field: UInt32 = fixed.littleEndian(at: place)
            let value = field == .max ? Int64(clamping: zip64.popFirst() ?? UInt64(field)) : Int64(field)
            agrees = agrees && isSame(value, as: expected)
        }
        guard agrees else { throw .entryAmbiguous(path: central.text) }
    }

    private func isSame(_ value: Int64, as expected: Int64) -> Bool {
        value == expected || (hasDescriptor && value == 0)
    }
}

/// 4.5.1: a sequence of fields, each a 2-byte kind, a 2-byte size and its data.
private struct ZIPExtraFields {
    /// 4.5.3: the values of the Zip64 field, whichever they are.
    private(set) var zip64: [UInt64] = []

    init(_ bytes: [UInt8], name: [UInt8]) throws(ArchiveError) {
        var position = 0
        var isWide = false
        // Up to three bytes of padding are common.
        while bytes.count - position >= 4 {
            let kind: UInt16 = bytes.littleEndian(at: position)
            let size = Int(bytes.littleEndian(at: position + 2, as: UInt16.self))
            let start = position + 4
            guard size <= bytes.count - start else { throw .malformedArchive }
            position = start + size
            switch kind {
            case 0x0001:
                guard !isWide else { throw .malformedArchive }
                isWide = true
                for place in stride(from: start, through: position - 8, by: 8) {
                    zip64.append(bytes.littleEndian(at: place))
                }
            case 0x7075:
                // 4.6.9, Info-ZIP's Unicode path: a version, the checksum of the name, another name.
                guard bytes[start..<position].dropFirst(5).elementsEqual(name) else {
                    throw .entryAmbiguous(path: ArchiveError.text(of: name))
                }
            case 0x6C78:
                // libarchive's experimental field for streams, with which an entry overrules the directory.
                throw .entryAmbiguous(path: ArchiveError.text(of: name))
            // WinZip's encryption, which only some programs know, in a file that says it is not encrypted.
            case 0x9901: throw .malformedArchive
            default: break
            }
        }
    }
}
