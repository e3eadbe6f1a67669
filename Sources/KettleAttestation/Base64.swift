/// The base64 of RFC 4648, in its one canonical form: padded, without white space, and with no unused bit set.
///
/// Foundation's decoder takes several texts for the same bytes. Here a text that is not what ``encode(_:)`` makes is refused,
/// so that evidence cannot be changed without changing what it says.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    /// What each letter stands for; 0xFF for what is no letter.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    package static func encode(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for byte in group { bits = bits << 8 | UInt32(byte) }
            bits <<= 8 * UInt32(3 - group.count)
            for place in 0..<4 {
                let letter = alphabet[Int(bits >> UInt32(18 - 6 * place) & 0x3F)]
                output.append(place <= group.count ? letter : UInt8(ascii: "="))
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Writes the alphabet of section 5, base64url, without padding.
    package static func encodeURL(_ bytes: [UInt8]) -> String {
        let letters = encode(bytes).utf8.compactMap { letter -> UInt8? in
            switch letter {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: letter
            }
        }
        return String(decoding: letters, as: UTF8.self)
    }

    /// Reads the alphabet of section 5, base64url, whose padding may be left off.
    package static func decodeURL(_ text: String) -> [UInt8]? {
        guard !text.utf8.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }) else { return nil }
        var letters = text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: byte
            }
        }
        if letters.last != UInt8(ascii: "=") {
            letters += Array(repeating: UInt8(ascii: "="), count: (4 - letters.count % 4) % 4)
        }
        return decode(letters[...])
    }

    /// Reads the alphabet of section 4.
    package static func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)[...]) }

    /// Reads letters of the alphabet of section 4.
    static func decode(_ letters: ArraySlice<UInt8>) -> [UInt8]? {
        guard letters.count.isMultiple(of: 4) else { return nil }
        let padding = letters.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        let values = values
        var output: [UInt8] = []
        output.reserveCapacity(letters.count / 4 * 3)
        var place = letters.startIndex
        // Whole groups; the one with padding comes after them.
        let end = padding == 0 ? letters.endIndex : letters.endIndex - 4
        while place < end {
            let (a, b) = (values[Int(letters[place])], values[Int(letters[place + 1])])
            let (c, d) = (values[Int(letters[place + 2])], values[Int(letters[place + 3])])
            guard (a | b | c | d) < 64 else { return nil }
            output.append(a << 2 | b >> 4)
            output.append(b << 4 | c >> 2)
            output.append(c << 6 | d)
            place += 4
        }
        guard padding > 0 else { return output }
        let (a, b) = (values[Int(letters[end])], values[Int(letters[end + 1])])
        let c = padding == 1 ? values[Int(letters[end + 2])] : 0
        // Bits that stand for nothing are zero, or two texts would mean the same.
        guard (a | b | c) < 64, (padding == 1 ? c << 6 : b << 4) == 0 else { return nil }
        output.append(a << 2 | b >> 4)
        if padding == 1 { output.append(b << 4 | c >> 2) }
        return output
    }
}
