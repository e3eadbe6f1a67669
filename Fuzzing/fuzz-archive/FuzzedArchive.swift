/// The archive that an input stands for.
///
/// What begins like a ZIP or gzip file is taken as it is. Anything else is a plain tar: the checksums of its headers are
/// mended and it is packed into a gzip file, since the fuzzer would almost never find bytes that are right in both.
struct FuzzedArchive {
    let bytes: [UInt8]

    init(_ input: UnsafeRawBufferPointer) {
        let isPacked = input.starts(with: [0x50, 0x4B]) || input.starts(with: [0x1F, 0x8B])
        bytes = isPacked ? Array(input) : Self.gzip(Self.mended(Array(input)))
    }

    /// POSIX.1-2017, pax, "ustar Interchange Format": the checksum is the sum of a header's bytes with its own field,
    /// 8 bytes at 148, read as spaces.
    private static func mended(_ tar: [UInt8]) -> [UInt8] {
        var tar = tar
        for start in stride(from: 0, to: tar.count - 511, by: 512)
        where tar[start + 257..<start + 262].elementsEqual("ustar".utf8) {
            tar.replaceSubrange(start + 148..<start + 156, with: [UInt8](repeating: 0x20, count: 8))
            let sum = tar[start..<start + 512].reduce(0) { $0 + Int($1) }
            let digits = String(sum, radix: 8)
            let field = String(repeating: "0", count: 6 - digits.count) + digits
            tar.replaceSubrange(start + 148..<start + 155, with: Array(field.utf8) + [0])
        }
        return tar
    }

    /// RFC 1952 around RFC 1951, section 3.2.4: stored blocks, so that no compressor stands between input and parser.
    private static func gzip(_ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
        var rest = content[...]
        repeat {
            let block = rest.prefix(0xFFFF)
            rest = rest[block.endIndex...]
            let length = UInt16(block.count)
            bytes.append(rest.isEmpty ? 1 : 0)
            bytes += length.littleEndianBytes + (~length).littleEndianBytes + block
        } while !rest.isEmpty
        return bytes + crc32(content).littleEndianBytes + UInt32(content.count).littleEndianBytes
    }

    private static let crcTable: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
    }

    /// RFC 1952, section 8.
    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(0xFFFF_FFFF) { crcTable[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
    }
}

extension FixedWidthInteger {
    fileprivate var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}
