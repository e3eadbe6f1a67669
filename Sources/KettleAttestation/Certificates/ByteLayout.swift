/// Bytes of a known length, read by the offsets of a specification.
package struct ByteLayout {
    let bytes: [UInt8]

    /// Nil unless there are exactly `count` bytes.
    package init?(_ bytes: some Collection<UInt8>, count: Int) {
        guard bytes.count == count else { return nil }
        self.bytes = Array(bytes)
    }

    /// A field; a piece of nothing where the specification's author and ours disagree about the length.
    package func field(_ offset: Int, _ count: Int) -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return [] }
        return Array(bytes[offset..<offset + count])
    }

    func byte(_ offset: Int) -> UInt8 { field(offset, 1).first ?? 0 }
    func uint16(littleEndian offset: Int) -> UInt16 { UInt16(truncatingIfNeeded: integer(field(offset, 2).reversed())) }
    package func uint32(littleEndian offset: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: integer(field(offset, 4).reversed()))
    }
    func uint64(littleEndian offset: Int) -> UInt64 { integer(field(offset, 8).reversed()) }

    private func integer(_ bigEndian: some Sequence<UInt8>) -> UInt64 {
        bigEndian.reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Bytes of unknown length, read from front to back. Every read is checked against the end.
package struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// How many bytes are left.
    package var remaining: Int { bytes.endIndex - position }
    /// All that is left, without passing it.
    var rest: ArraySlice<UInt8> { bytes[position...] }

    /// The next `count` bytes; nil, and nothing is passed, where there are fewer.
    package mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= remaining else { return nil }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func uint8() -> UInt8? { take(1)?.first }
    mutating func uint16LittleEndian() -> Int? { take(2).map { $0.reversed().reduce(0) { $0 << 8 | Int($1) } } }
    package mutating func uint32LittleEndian() -> Int? { take(4).map { $0.reversed().reduce(0) { $0 << 8 | Int($1) } } }
    mutating func uint16BigEndian() -> Int? { take(2).map { $0.reduce(0) { $0 << 8 | Int($1) } } }
    mutating func uint32BigEndian() -> Int? { take(4).map { $0.reduce(0) { $0 << 8 | Int($1) } } }
    /// A TPM2B structure: its length in two bytes, then that many.
    mutating func sized() -> ArraySlice<UInt8>? { uint16BigEndian().flatMap { take($0) } }
}
