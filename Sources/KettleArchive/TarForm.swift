/// Whether a gzipped tar archive means the same to every program: plain headers of the few kinds that matter, an end mark,
/// and nothing behind it (POSIX.1-2017, pax, "ustar Interchange Format").
struct TarForm {
    private static let blockBytes = 512
    private static let paxLimit = 64 << 10

    private var block: [UInt8] = []
    /// Blocks of content that follow the header before.
    private var contentBlocks: Int64 = 0
    /// What a pax header says, while it is being read.
    private var pax: (text: [UInt8], bytes: Int)?
    private var zeroBlocks = 0
    /// Whether the header before only names the next entry.
    private var isNaming = false

    /// Reads to the end of the stream.
    ///
    /// - Throws: ``ArchiveError/malformedArchive``, ``ArchiveError/trailingBytes``, ``ArchiveError/cutOff``, or what the stream
    ///   itself is worth.
    static func check(_ stream: GzipStream) throws(ArchiveError) {
        var form = TarForm()
        while true {
            let bytes = try stream.next()
            guard !bytes.isEmpty else { break }
            var rest = bytes[...]
            while !rest.isEmpty {
                // What a file holds is passed over.
                if form.block.isEmpty, form.pax == nil, form.contentBlocks > 0, rest.count >= blockBytes {
                    let whole = min(Int64(rest.count / blockBytes), form.contentBlocks)
                    form.contentBlocks -= whole
                    rest = rest.dropFirst(Int(whole) * blockBytes)
                    continue
                }
                let count = min(blockBytes - form.block.count, rest.count)
                form.block += rest.prefix(count)
                rest = rest.dropFirst(count)
                guard form.block.count == blockBytes else { continue }
                try form.take()
                form.block.removeAll(keepingCapacity: true)
            }
        }
        guard form.zeroBlocks >= 2, form.contentBlocks == 0 else { throw .cutOff }
        guard !form.isNaming else { throw .malformedArchive }
        guard form.block.allSatisfy({ $0 == 0 }) else { throw .trailingBytes }
    }

    private mutating func take() throws(ArchiveError) {
        if contentBlocks > 0 {
            contentBlocks -= 1
            pax?.text += block
            if contentBlocks == 0, let pax {
                try Self.check(pax: pax.text.prefix(pax.bytes))
                self.pax = nil
            }
        } else if block.allSatisfy({ $0 == 0 }) {
            zeroBlocks += 1
        } else {
            // What stands behind the first block of the end mark is read by some programs and not by others.
            guard zeroBlocks == 0 else { throw .trailingBytes }
            try takeHeader()
        }
    }

    private mutating func takeHeader() throws(ArchiveError) {
        try checkMagic()
        let size = try Self.octal(block[124..<136])
        // Of two names for one entry programs take different ones.
        let wasNaming = isNaming
        isNaming = block[156] == UInt8(ascii: "x") || block[156] == UInt8(ascii: "L")
        guard !wasNaming || !isNaming else { throw .malformedArchive }
        switch block[156] {
        case UInt8(ascii: "0"), 0, UInt8(ascii: "L"): break
        // Links, devices, folders and pipes have no content; programs differ in what they make of one that says it has.
        case UInt8(ascii: "1")...UInt8(ascii: "6"): guard size == 0 else { throw .malformedArchive }
        case UInt8(ascii: "x"):
            guard size > 0, size <= Self.paxLimit else { throw .malformedArchive }
            pax = ([], Int(size))
        // A global header, above all, changes what others mean.
        default: throw .malformedArchive
        }
        contentBlocks = (size + 511) / 512
    }

    /// POSIX's, GNU tar's, or none as in the oldest archives. POSIX's form alone has a prefix; some programs take one from the others.
    private func checkMagic() throws(ArchiveError) {
        let magic = block[257..<265]
        guard !magic.elementsEqual("ustar\u{0}00".utf8) else { return }
        guard magic.elementsEqual("ustar  \0".utf8) || magic.allSatisfy({ $0 == 0 }),
            block[345..<500].allSatisfy({ $0 == 0 })
        else { throw .malformedArchive }
    }

    /// Octal digits up to a space or a NUL. Base 256, for what is larger than 8 GiB, is not taken.
    private static func octal(_ field: ArraySlice<UInt8>) throws(ArchiveError) -> Int64 {
        var value: Int64 = 0
        var digits = 0
        for byte in field.drop(while: { $0 == 0x20 }) {
            guard byte != 0, byte != 0x20 else { break }
            guard (0x30...0x37).contains(byte) else { throw .malformedArchive }
            value = value << 3 | Int64(byte - 0x30)
            digits += 1
        }
        guard digits > 0 else { throw .malformedArchive }
        return value
    }

    /// Records `LENGTH KEY=VALUE\n`. A key that moves content or names elsewhere is refused.
    private static func check(pax text: ArraySlice<UInt8>) throws(ArchiveError) {
        var rest = text
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: 0x20),
                let length = Int(String(decoding: rest[..<space], as: UTF8.self)), length > 0, length <= rest.count,
                case let record = rest.prefix(length), record.last == 0x0A,
                let equals = record[(space + 1)...].firstIndex(of: UInt8(ascii: "="))
            else { throw .malformedArchive }
            let key = String(decoding: record[(space + 1)..<equals], as: UTF8.self)
            let known = ["path", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"]
            guard known.contains(key) || key.hasPrefix("LIBARCHIVE.") || key.hasPrefix("SCHILY.") else {
                throw .malformedArchive
            }
            // An empty path, too, is one to some programs and none to others.
            guard key != "path" || (!record.contains(0) && equals + 2 < record.endIndex) else {
                throw .malformedArchive
            }
            rest = rest.dropFirst(length)
        }
    }
}
