extension JSONValue {
    /// The value's only spelling under RFC 8785 (JSON Canonicalization Scheme).
    public func canonicalBytes() -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(1024)
        write(to: &output)
        return output
    }

    /// ``canonicalBytes()`` as text.
    public func canonicalString() -> String {
        String(decoding: canonicalBytes(), as: UTF8.self)
    }

    private func write(to output: inout [UInt8]) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): Self.write(value, to: &output)
        case .number(let value): Self.write(value, to: &output)
        case .string(let value): Self.write(value, to: &output)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            var separate = false
            for element in elements {
                if separate { output.append(UInt8(ascii: ",")) }
                separate = true
                element.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            var separate = false
            for (name, member) in members.sorted(by: { Self.precedes($0.key, $1.key) }) {
                if separate { output.append(UInt8(ascii: ",")) }
                separate = true
                Self.write(name, to: &output)
                output.append(UInt8(ascii: ":"))
                member.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    /// RFC 8785 section 3.2.3: names sort by their UTF-16 code units.
    ///
    /// UTF-8 bytes sort the same way but for one case: characters beyond U+FFFF (lead bytes from 0xF0) are surrogates in
    /// UTF-16 and so come before U+E000 to U+FFFF (lead bytes 0xEE and 0xEF).
    private static func precedes(_ left: String, _ right: String) -> Bool {
        var rest = right.utf8.makeIterator()
        for byte in left.utf8 {
            guard let other = rest.next() else { return false }
            guard byte != other else { continue }
            if byte >= 0xEE, other >= 0xEE, (byte >= 0xF0) != (other >= 0xF0) { return byte >= 0xF0 }
            return byte < other
        }
        return rest.next() != nil
    }

    /// RFC 8785 section 3.2.2.2: only `"`, `\` and control characters are escaped.
    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0x20...: output.append(byte)
            case 0x08: output.append(contentsOf: "\\b".utf8)
            case 0x09: output.append(contentsOf: "\\t".utf8)
            case 0x0A: output.append(contentsOf: "\\n".utf8)
            case 0x0C: output.append(contentsOf: "\\f".utf8)
            case 0x0D: output.append(contentsOf: "\\r".utf8)
            default:
                output.append(contentsOf: "\\u00".utf8)
                output.append(contentsOf: [byte].hexadecimal.utf8)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func write(_ value: Int64, to output: inout [UInt8]) {
        let exact: UInt64 = 1 << 53
        guard value.magnitude <= exact else { return write(Double(value), to: &output) }
        output.append(contentsOf: String(value).utf8)
    }

    /// RFC 8785 section 3.2.2.3, which is ECMAScript's Number::toString (ECMA-262, 10th edition, section 7.1.12.1).
    ///
    /// Swift's description has the same digits, the fewest that read back as the same double, and of those the nearest;
    /// only the place of the point and the exponent's form differ.
    private static func write(_ value: Double, to output: inout [UInt8]) {
        guard value.isFinite else { return output.append(contentsOf: "null".utf8) }
        guard value != 0 else { return output.append(UInt8(ascii: "0")) }
        if value < 0 { output.append(UInt8(ascii: "-")) }
        let (digits, point) = decimal(value.magnitude)
        let count = digits.count
        switch point {
        case count...21 where count <= point:
            output.append(contentsOf: digits)
            output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: point - count))
        case 1...21:
            output.append(contentsOf: digits[..<point])
            output.append(UInt8(ascii: "."))
            output.append(contentsOf: digits[point...])
        case -5...0:
            output.append(contentsOf: "0.".utf8)
            output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -point))
            output.append(contentsOf: digits)
        default:
            output.append(contentsOf: digits[..<1])
            if count > 1 {
                output.append(UInt8(ascii: "."))
                output.append(contentsOf: digits[1...])
            }
            output.append(contentsOf: (point > 0 ? "e+" : "e-").utf8)
            output.append(contentsOf: String((point - 1).magnitude).utf8)
        }
    }

    /// The shortest digits of a positive number, and how many of them stand before the decimal point.
    private static func decimal(_ value: Double) -> (digits: [UInt8], point: Int) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        let text = Array(value.description.utf8)
        for (index, byte) in text.enumerated() {
            if byte == UInt8(ascii: ".") {
                point = digits.count
            } else if byte == UInt8(ascii: "e") {
                exponent = Int(String(decoding: text[(index + 1)...], as: UTF8.self)) ?? 0
                break
            } else {
                digits.append(byte)
            }
        }
        let zero = UInt8(ascii: "0")
        let leading = digits.prefix { $0 == zero }.count
        let before = (point ?? digits.count) + exponent - leading
        digits.removeFirst(leading)
        while digits.last == zero { digits.removeLast() }
        return (digits, before)
    }
}
