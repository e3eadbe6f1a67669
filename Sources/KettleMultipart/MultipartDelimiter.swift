import Glibc

/// CRLF, two dashes and the boundary: what ends the content of a part.
///
/// A boundary holds no CR, so no part of a delimiter begins anew inside it. That keeps the search linear whatever the
/// content: it compares only where a CR stands, and what it compared holds no other.
struct MultipartDelimiter: Sendable {
    let bytes: [UInt8]

    /// How far the search may move on when a window of the delimiter's length ends with a byte: Horspool's table.
    ///
    /// A delimiter has at most 74 bytes, so a byte holds each distance.
    private let shifts: [UInt8]

    /// The delimiter for a boundary that ``MultipartBoundary/check(_:)`` accepted.
    init(boundary: String) {
        bytes = Array("\r\n--\(boundary)".utf8)
        var shifts = [UInt8](repeating: UInt8(truncatingIfNeeded: bytes.count), count: 256)
        for (index, byte) in bytes.dropLast().enumerated() {
            shifts[Int(byte)] = UInt8(truncatingIfNeeded: bytes.count - 1 - index)
        }
        self.shifts = shifts
    }

    /// Where the delimiter first stands in `content`, whole.
    ///
    /// Content without dashes and letters of the boundary is passed a delimiter's length at a time, so this runs at the
    /// speed of memory.
    func firstPosition(in content: UnsafeRawBufferPointer) -> Int? {
        guard let base = content.baseAddress, content.count >= bytes.count else { return nil }
        let last = bytes.count - 1
        let end = content.count - last
        let lastByte = bytes[last]
        return shifts.withUnsafeBufferPointer { shifts in
            guard let shifts = shifts.baseAddress else { return nil }
            var position = 0
            while position < end {
                let windowEnd = base.load(fromByteOffset: position + last, as: UInt8.self)
                if windowEnd == lastByte, base.load(fromByteOffset: position, as: UInt8.self) == 0x0D,
                    memcmp(base + position, bytes, bytes.count) == 0
                {
                    return position
                }
                position += Int(shifts[Int(windowEnd)])
            }
            return nil
        }
    }

    /// How many bytes at the end of `content` are a beginning of the delimiter.
    func lengthOfBeginning(atEndOf content: UnsafeRawBufferPointer) -> Int {
        // It can only begin at the last CR.
        for length in 1..<bytes.count where length <= content.count {
            let position = content.count - length
            guard content[position] == 0x0D else { continue }
            return content[position...].elementsEqual(bytes[..<length]) ? length : 0
        }
        return 0
    }
}
