extension JSONValue {
    /// Reads one JSON document (RFC 8259), and nothing that readers could take in two ways.
    ///
    /// Refused besides broken syntax: a byte order mark, bytes that are not UTF-8, half surrogate pairs, two members of an
    /// object with one name (also where only Unicode normalisation makes them one), more than 30 combining marks on one
    /// character, numbers beyond every double, and whatever follows the value.
    ///
    /// - Parameters:
    ///   - bytes: The whole document. It may come from anyone.
    ///   - maximumDepth: How many arrays and objects may stand inside each other.
    ///   - maximumBytes: How long the document may be.
    ///   - maximumValues: How many members and elements all objects and arrays may have together. An integer takes
    ///     about forty bytes of memory, for two in the document.
    /// - Throws: ``JSONError``, at the first thing that is wrong.
    public init(
        parsing bytes: [UInt8], maximumDepth: Int = 64, maximumBytes: Int = 16 * 1024 * 1024,
        maximumValues: Int = .max
    ) throws(JSONError) {
        guard bytes.count <= maximumBytes else { throw .tooLarge(limitInBytes: maximumBytes) }
        var reader = JSONReader(bytes: bytes, maximumDepth: maximumDepth, maximumValues: maximumValues)
        self = try reader.document()
    }

    /// Reads one JSON object as ``init(parsing:maximumDepth:maximumBytes:maximumValues:)`` does, and tells where each member's value stands.
    ///
    /// For signatures over a part of a document: they cover its bytes, which no value can give back.
    ///
    /// - Parameters:
    ///   - bytes: The whole document. It may come from anyone.
    ///   - maximumBytes: How long the document may be.
    /// - Returns: The members by name, each with the range of its value in `bytes`.
    /// - Throws: ``JSONError``, also when the document is no object.
    public static func members(
        parsing bytes: [UInt8], maximumBytes: Int = 16 * 1024 * 1024
    ) throws(JSONError) -> [String: (value: JSONValue, range: Range<Int>)] {
        guard bytes.count <= maximumBytes else { throw .tooLarge(limitInBytes: maximumBytes) }
        var reader = JSONReader(bytes: bytes, maximumDepth: 64, maximumValues: .max)
        return try reader.members()
    }
}

/// One pass over a document. Every index is checked against the end before it is used.
private struct JSONReader {
    private let bytes: [UInt8]
    private let maximumDepth: Int
    private let maximumValues: Int
    private var values = 0
    private var position = 0

    init(bytes: [UInt8], maximumDepth: Int, maximumValues: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
        self.maximumValues = maximumValues
    }

    mutating func document() throws(JSONError) -> JSONValue {
        skipWhitespace()
        let value = try value(depth: 0)
        skipWhitespace()
        guard position == bytes.count else { throw .trailingBytes(offset: position) }
        return value
    }

    mutating func members() throws(JSONError) -> [String: (value: JSONValue, range: Range<Int>)] {
        skipWhitespace()
        try expect("{")
        position -= 1
        var ranges: [String: Range<Int>] = [:]
        guard case .object(let values) = try object(depth: 1, noting: { ranges[$0] = $1 }) else { return [:] }
        skipWhitespace()
        guard position == bytes.count else { throw .trailingBytes(offset: position) }
        return values.reduce(into: [:]) { members, member in
            if let range = ranges[member.key] { members[member.key] = (member.value, range) }
        }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        switch try current() {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"):
            try expect("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect("null")
            return .null
        case let byte: throw .unexpectedByte(byte, offset: position)
        }
    }

    // MARK: Arrays and objects

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        try enter(depth)
        if try current() == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        var elements: [JSONValue] = []
        while true {
            try count()
            elements.append(try value(depth: depth))
            if try isLast(closing: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    /// - Parameter note: Is told each member's name and where its value stands.
    private mutating func object(
        depth: Int, noting note: (String, Range<Int>) -> Void = { _, _ in }
    ) throws(JSONError) -> JSONValue {
        try enter(depth)
        if try current() == UInt8(ascii: "}") {
            position += 1
            return .object([:])
        }
        var members: [String: JSONValue] = [:]
        while true {
            try count()
            let start = position
            guard try current() == UInt8(ascii: "\"") else { throw .unexpectedByte(bytes[position], offset: position) }
            let name = try string()
            skipWhitespace()
            try expect(":")
            skipWhitespace()
            let valueStart = position
            let member = try value(depth: depth)
            note(name, valueStart..<position)
            guard members.updateValue(member, forKey: name) == nil else {
                throw .duplicateMember(name, offset: start)
            }
            if try isLast(closing: UInt8(ascii: "}")) { return .object(members) }
        }
    }

    /// One more member or element.
    private mutating func count() throws(JSONError) {
        guard values < maximumValues else { throw .tooManyValues(limit: maximumValues, offset: position) }
        values += 1
    }

    private mutating func enter(_ depth: Int) throws(JSONError) {
        guard depth <= maximumDepth else { throw .tooDeep(limit: maximumDepth, offset: position) }
        position += 1
        skipWhitespace()
    }

    /// Passes a comma, or the closing bracket: true for the bracket.
    private mutating func isLast(closing: UInt8) throws(JSONError) -> Bool {
        skipWhitespace()
        let byte = try current()
        guard byte == closing || byte == UInt8(ascii: ",") else { throw .unexpectedByte(byte, offset: position) }
        position += 1
        if byte == closing { return true }
        skipWhitespace()
        return false
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> String {
        let start = position + 1
        position = start
        var isASCII = true
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let content = bytes[start..<position]
                position += 1
                // Of ASCII every sequence is text, and no character combines with another.
                if isASCII { return String(decoding: content, as: UTF8.self) }
                return try text(content, startingAt: start)
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw .controlCharacter(offset: position) }
            if byte >= 0x80 { isASCII = false }
            position += 1
        }
        throw .unexpectedEnd
    }

    /// Goes on at the first backslash of a string that began at `start`.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var decoded = Array(bytes[start..<position])
        while true {
            let byte = try current()
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return try text(decoded, startingAt: start)
            case UInt8(ascii: "\\"):
                position += 1
                decoded.append(contentsOf: String(try escape()).utf8)
            case 0x00..<0x20:
                throw .controlCharacter(offset: position)
            default:
                decoded.append(byte)
                position += 1
            }
        }
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let letter = try current()
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw .invalidEscape(offset: position - 1)
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let start = position - 2
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(first), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw .loneSurrogate(offset: start) }
        position += 2
        let second = try codeUnit()
        guard UTF16.isTrailSurrogate(second) else { throw .loneSurrogate(offset: start) }
        let value = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
        guard let scalar = Unicode.Scalar(value) else { throw .loneSurrogate(offset: start) }
        return scalar
    }

    private mutating func codeUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch try current() {
            case let byte where byte >= 0x30 && byte <= 0x39: digit = byte - 0x30
            case let byte where byte >= 0x41 && byte <= 0x46: digit = byte - 0x41 + 10
            case let byte where byte >= 0x61 && byte <= 0x66: digit = byte - 0x61 + 10
            default: throw .invalidEscape(offset: position)
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }

    private func text(_ utf8: some Collection<UInt8>, startingAt offset: Int) throws(JSONError) -> String {
        guard let text = String(validating: utf8, as: UTF8.self) else { throw .invalidUTF8(offset: offset) }
        try checkCombiningMarks(of: text, startingAt: offset)
        return text
    }

    /// Swift compares and hashes strings in normal form, and sorts the marks on one character by insertion: four million of
    /// them, 8 MB, take an hour. UAX #15 calls text with at most 30 in a row stream-safe.
    private func checkCombiningMarks(of text: String, startingAt offset: Int) throws(JSONError) {
        let limit = 30
        var marks = 0
        // The first combining mark is U+0300, whose UTF-8 begins with 0xCC.
        guard text.utf8.contains(where: { $0 >= 0xCC }) else { return }
        for scalar in text.unicodeScalars {
            if scalar.value >= 0x300, scalar.properties.canonicalCombiningClass != .notReordered {
                marks += 1
                guard marks <= limit else { throw .tooManyCombiningMarks(limit: limit, offset: offset) }
            } else {
                marks = 0
            }
        }
    }

    // MARK: Numbers

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        if try current() == UInt8(ascii: "0") {
            position += 1
        } else {
            try digits()
        }
        var isInteger = true
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try digits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            let sign = try current()
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw .numberOutOfRange(offset: start) }
        return .number(value)
    }

    /// One digit or more.
    private mutating func digits() throws(JSONError) {
        let first = try current()
        guard isDigit(first) else { throw .unexpectedByte(first, offset: position) }
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    // MARK: Bytes

    private func current() throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw .unexpectedEnd }
        return bytes[position]
    }

    private mutating func expect(_ literal: StaticString) throws(JSONError) {
        for offset in 0..<literal.utf8CodeUnitCount {
            let byte = try current()
            guard byte == literal.utf8Start[offset] else { throw .unexpectedByte(byte, offset: position) }
            position += 1
        }
    }

    private mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }
}
