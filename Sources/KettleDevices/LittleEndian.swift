/// Integers as AMD, Intel and Azure's paravisor write them.
extension [UInt8] {
    /// The integer at an offset; nil when it does not lie inside the bytes.
    func littleEndian<Integer: FixedWidthInteger>(_: Integer.Type, at offset: Int) -> Integer? {
        let size = Integer.bitWidth / 8
        guard offset >= 0, offset <= count - size else { return nil }
        return self[offset..<offset + size].reversed().reduce(0) { $0 << 8 | Integer($1) }
    }
}
