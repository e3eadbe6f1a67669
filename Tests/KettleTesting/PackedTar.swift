/// A gzipped tar archive made header by header (POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar, "Basic Tar Format").
package struct PackedTar: Sendable {
    package struct Entry: Sendable {
        package var name: [UInt8]
        package var prefix: [UInt8] = []
        package var content: [UInt8]
        package var type: UInt8
        package var link: [UInt8]
        package var mode = 0o644
        /// What the header says instead of the content's size.
        package var size: Int?
        package var checksum: Int?
        /// Overwrites bytes of the header, by offset.
        package var fields: [Int: [UInt8]] = [:]

        package init(_ name: String, _ content: String = "", type: Character = "0", link: String = "") {
            self.init(Array(name.utf8), Array(content.utf8), type: type, link: link)
        }

        package init(_ name: [UInt8], _ content: [UInt8], type: Character = "0", link: String = "") {
            self.name = name
            self.content = content
            self.type = type.asciiValue ?? 0
            self.link = Array(link.utf8)
        }

        /// Extended header records for the next entry.
        package static func pax(_ records: (key: String, value: String)..., type: Character = "x") -> Entry {
            Entry("pax", records.map { paxRecord($0.key, $0.value) }.joined(), type: type)
        }

        /// GNU tar's way to say a long name (`L`) or a long link target (`K`) of the next entry.
        package static func long(_ text: String, type: Character) -> Entry {
            Entry("././@LongLink", text + "\0", type: type)
        }

        package func with(_ change: (inout Entry) -> Void) -> Entry {
            var copy = self
            change(&copy)
            return copy
        }

        /// A record's length counts its own digits.
        private static func paxRecord(_ key: String, _ value: String) -> String {
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count
            while "\(length)".utf8.count + rest.utf8.count != length {
                length = "\(length)".utf8.count + rest.utf8.count
            }
            return "\(length)\(rest)"
        }
    }

    package var entries: [Entry]

    package init(_ entries: Entry...) {
        self.entries = entries
    }

    package init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// The gzipped archive with its two blocks of zeros at the end.
    package var bytes: [UInt8] { Self.gzip(uncompressed) }

    package var uncompressed: [UInt8] { blocks + [UInt8](repeating: 0, count: 1024) }

    /// Only the entries.
    package var blocks: [UInt8] { entries.flatMap(\.blocks) }

    /// RFC 1952 around stored blocks (RFC 1951, section 3.2.4).
    package static func gzip(_ bytes: [UInt8], crc: UInt32? = nil, size: UInt32? = nil) -> [UInt8] {
        var result: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        for start in stride(from: 0, to: bytes.count, by: 65_535) {
            let block = bytes[start..<min(start + 65_535, bytes.count)]
            let length = UInt16(block.count)
            result += [0] + LittleEndian.bytes(length) + LittleEndian.bytes(~length) + block
        }
        result += [1, 0, 0, 0xFF, 0xFF]
        return result + LittleEndian.bytes(crc ?? LittleEndian.crc32(bytes))
            + LittleEndian.bytes(size ?? UInt32(bytes.count))
    }
}

extension PackedTar.Entry {
    fileprivate var blocks: [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: some Sequence<UInt8>, _ offset: Int) {
            for (index, byte) in bytes.enumerated() { header[offset + index] = byte }
        }
        func put(octal value: Int, _ offset: Int, digits: Int) {
            let text = String(value, radix: 8)
            put((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8, offset)
        }
        put(name.prefix(100), 0)
        put(octal: mode, 100, digits: 7)
        put(octal: 0, 108, digits: 7)
        put(octal: 0, 116, digits: 7)
        put(octal: size ?? content.count, 124, digits: 11)
        put(octal: 0, 136, digits: 11)
        header[156] = type
        put(link.prefix(100), 157)
        put("ustar\u{0}00".utf8, 257)
        put(prefix.prefix(155), 345)
        for (offset, bytes) in fields { put(bytes, offset) }
        put([UInt8](repeating: 0x20, count: 8), 148)
        put(octal: checksum ?? header.reduce(0) { $0 + Int($1) }, 148, digits: 6)
        header[154] = 0
        let padding = [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
        return header + content + padding
    }
}
