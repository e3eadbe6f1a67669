/// Reads TOML v1.0.0 that anyone may have written.
///
/// Ours because the reader must refuse what other readers would take in another way: cargo builds from what cargo reads. A
/// document is refused for whatever the standard forbids in keys, strings and structure. Floats and dates are passed over.
package struct TOMLReader {
    /// Values inside values, and parts of a key.
    private static let maximumDepth = 64
    /// Headers of a document: each costs many times its length in memory.
    private static let maximumHeaders = 100_000

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    /// Where keys stand, by their whole dotted names; nil where nobody asked.
    private var lines: [String: Int]?

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    package static func read(_ bytes: [UInt8]) throws(TOMLError) -> TOMLTable {
        var reader = try TOMLReader(checking: bytes)
        return try reader.document()
    }

    /// - Returns: Beside the table the lines, from 1, on which keys and headers stand, by their whole dotted names. Keys of
    ///   inline tables have none, nor have very long ones.
    package static func readWithLines(_ bytes: [UInt8]) throws(TOMLError) -> (table: TOMLTable, lines: [String: Int]) {
        var reader = try TOMLReader(checking: bytes)
        reader.lines = [:]
        let table = try reader.document()
        return (table, reader.lines ?? [:])
    }

    private init(checking bytes: [UInt8]) throws(TOMLError) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw TOMLError(line: 1, reason: "it is not UTF-8")
        }
        self.init(bytes)
    }

    private mutating func document() throws(TOMLError) -> TOMLTable {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        let root = TOMLTree(.header)
        var current = root
        var prefix: [String] = []
        var headers = 0
        while true {
            try skipBlank()
            guard let byte = peek else { return root.finished }
            if byte == UInt8(ascii: "[") {
                headers += 1
                guard headers <= Self.maximumHeaders else { throw error("it has too many tables") }
                (current, prefix) = try header(in: root)
                if lines != nil { note(prefix) }
            } else {
                let path = try key()
                if lines != nil { note(prefix + path) }
                try expect(UInt8(ascii: "="))
                let value = try value(depth: 1)
                guard current.set(path, to: value) else {
                    throw error("\"\(path.joined(separator: "."))\" is defined twice")
                }
            }
            try endLine()
        }
    }

    /// A long header stands before each of its keys, so without the limit these names would be longer than the document.
    private mutating func note(_ path: [String]) {
        guard path.reduce(0, { $0 + $1.utf8.count }) <= 256 else { return }
        let name = path.joined(separator: ".")
        if lines?[name] == nil { lines?[name] = line }
    }

    private mutating func header(in root: TOMLTree) throws(TOMLError) -> (table: TOMLTree, path: [String]) {
        position += 1
        let isArray = peek == UInt8(ascii: "[")
        if isArray { position += 1 }
        let path = try key()
        try expect(UInt8(ascii: "]"))
        if isArray {
            guard peek == UInt8(ascii: "]") else { throw error("a header is not closed") }
            position += 1
        }
        guard let table = isArray ? root.append(header: path) : root.open(header: path) else {
            throw error("\"\(path.joined(separator: "."))\" is defined twice")
        }
        return (table, path)
    }

    // MARK: - Keys

    private mutating func key() throws(TOMLError) -> [String] {
        var path: [String] = []
        while true {
            skipSpace()
            path.append(try keyPart())
            guard path.count <= Self.maximumDepth else { throw error("a key has too many parts") }
            skipSpace()
            guard peek == UInt8(ascii: ".") else { return path }
            position += 1
        }
    }

    private mutating func keyPart() throws(TOMLError) -> String {
        switch peek {
        case UInt8(ascii: "\""): return try basicString(allowsLines: false)
        case UInt8(ascii: "'"): return try literalString(allowsLines: false)
        default:
            let start = position
            while let byte = peek, Self.isBare(byte) { position += 1 }
            guard position > start else { throw error("a key is missing") }
            return text(start..<position)
        }
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    // MARK: - Values

    private mutating func value(depth: Int) throws(TOMLError) -> TOMLValue {
        guard depth <= Self.maximumDepth else { throw error("values are nested too deep") }
        skipSpace()
        switch peek {
        case UInt8(ascii: "\""): return .string(try basicString(allowsLines: true))
        case UInt8(ascii: "'"): return .string(try literalString(allowsLines: true))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "{"): return .table(try inlineTable(depth: depth))
        default: return try scalar()
        }
    }

    private mutating func array(depth: Int) throws(TOMLError) -> [TOMLValue] {
        position += 1
        var values: [TOMLValue] = []
        while true {
            try skipBlank()
            if take(UInt8(ascii: "]")) { return values }
            values.append(try value(depth: depth + 1))
            try skipBlank()
            if take(UInt8(ascii: "]")) { return values }
            guard take(UInt8(ascii: ",")) else { throw error("an array is not closed") }
        }
    }

    private mutating func inlineTable(depth: Int) throws(TOMLError) -> TOMLTable {
        position += 1
        let table = TOMLTree(.header)
        skipSpace()
        if take(UInt8(ascii: "}")) { return [:] }
        while true {
            let path = try key()
            try expect(UInt8(ascii: "="))
            let value = try value(depth: depth + 1)
            guard table.set(path, to: value) else { throw error("\"\(path.joined(separator: "."))\" is defined twice") }
            skipSpace()
            if take(UInt8(ascii: "}")) { return table.finished }
            guard take(UInt8(ascii: ",")) else { throw error("an inline table is not closed") }
        }
    }

    private mutating func scalar() throws(TOMLError) -> TOMLValue {
        var word = self.word()
        // A date and a time may stand apart by one space.
        if word.count == 10, word.dropFirst(4).first == "-", peek == 0x20, position + 1 < bytes.count,
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position + 1])
        {
            position += 1
            word += " " + self.word()
        }
        switch word {
        case "": throw error("a value is missing")
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        default: break
        }
        if let integer = decimal(word) { return .integer(integer) }
        guard isFloatOrDate(word) else { throw error("\"\(word)\" is not a value") }
        return .other(word)
    }

    private mutating func word() -> String {
        let start = position
        while let byte = peek, Self.isBare(byte) || ".+:".utf8.contains(byte) { position += 1 }
        return text(start..<position)
    }

    /// Whether a word looks like a value that is passed over; not whether the number or the day exists.
    private func isFloatOrDate(_ word: String) -> Bool {
        let rest = word.hasPrefix("+") || word.hasPrefix("-") ? word.dropFirst() : word[...]
        if rest == "inf" || rest == "nan" { return true }
        guard let first = rest.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return rest.utf8.contains { ".eE-:xob".utf8.contains($0) }
    }

    private func decimal(_ word: String) -> Int64? {
        let digits = word.hasPrefix("+") || word.hasPrefix("-") ? word.dropFirst() : word[...]
        let isPlain =
            digits == "0"
            || (!digits.hasPrefix("0") && !digits.hasPrefix("_") && !digits.hasSuffix("_")
                && !digits.contains("__") && digits.utf8.allSatisfy { "0123456789_".utf8.contains($0) })
        return isPlain ? Int64(word.filter { $0 != "_" }) : nil
    }
}

// MARK: - Strings

extension TOMLReader {
    private mutating func basicString(allowsLines: Bool) throws(TOMLError) -> String {
        let isMultiline = try openString(UInt8(ascii: "\""), allowsLines: allowsLines)
        guard isMultiline != nil else { return "" }
        var content: [UInt8] = []
        while true {
            guard let byte = peek else { throw error("a string is not closed") }
            if byte == UInt8(ascii: "\"") {
                if closeString(byte, isMultiline == true, &content) { break }
            } else if byte == UInt8(ascii: "\\") {
                position += 1
                try escape(into: &content, allowsLines: isMultiline == true)
            } else {
                try character(into: &content, allowsLines: isMultiline == true)
            }
        }
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func literalString(allowsLines: Bool) throws(TOMLError) -> String {
        let isMultiline = try openString(UInt8(ascii: "'"), allowsLines: allowsLines)
        guard isMultiline != nil else { return "" }
        var content: [UInt8] = []
        while true {
            guard let byte = peek else { throw error("a string is not closed") }
            if byte == UInt8(ascii: "'") {
                if closeString(byte, isMultiline == true, &content) { break }
            } else {
                try character(into: &content, allowsLines: isMultiline == true)
            }
        }
        return String(decoding: content, as: UTF8.self)
    }

    /// - Returns: Whether the string may have several lines; nil when it is empty and already read.
    private mutating func openString(_ quote: UInt8, allowsLines: Bool) throws(TOMLError) -> Bool? {
        position += 1
        guard take(quote) else { return false }
        guard allowsLines, take(quote) else { return nil }
        if peek == 0x0D { position += 1; guard peek == 0x0A else { throw error("a carriage return stands alone") } }
        if take(0x0A) { line += 1 }
        return true
    }

    /// Takes quotes: the end of the string, or up to two that belong to it.
    private mutating func closeString(_ quote: UInt8, _ isMultiline: Bool, _ content: inout [UInt8]) -> Bool {
        guard isMultiline else {
            position += 1
            return true
        }
        var count = 0
        while count < 5, take(quote) { count += 1 }
        content += [UInt8](repeating: quote, count: count >= 3 ? count - 3 : count)
        return count >= 3
    }

    private mutating func character(into content: inout [UInt8], allowsLines: Bool) throws(TOMLError) {
        guard let byte = peek else { throw error("a string is not closed") }
        switch byte {
        case 0x0A where allowsLines: line += 1
        case 0x0D where allowsLines && position + 1 < bytes.count && bytes[position + 1] == 0x0A: break
        case 0x09, 0x20...0x7E, 0x80...0xFF: break
        default: throw error("a string holds a control character")
        }
        content.append(byte)
        position += 1
    }

    private mutating func escape(into content: inout [UInt8], allowsLines: Bool) throws(TOMLError) {
        guard let byte = peek else { throw error("a string is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): content.append(byte)
        case UInt8(ascii: "u"): content += try scalar(digits: 4)
        case UInt8(ascii: "U"): content += try scalar(digits: 8)
        case 0x0A, 0x0D, 0x20, 0x09:
            guard allowsLines else { throw error("a string has an unknown escape") }
            position -= 1
            try skipLineContinuation()
        default: throw error("a string has an unknown escape")
        }
    }

    private mutating func scalar(digits: Int) throws(TOMLError) -> [UInt8] {
        guard bytes.count - position >= digits else { throw error("a string is not closed") }
        let word = bytes[position..<position + digits]
        guard word.allSatisfy({ "0123456789abcdefABCDEF".utf8.contains($0) }),
            let value = UInt32(String(decoding: word, as: UTF8.self), radix: 16), let scalar = Unicode.Scalar(value)
        else { throw error("a string has an escape that is not a character") }
        position += digits
        return Array(String(Character(scalar)).utf8)
    }

    /// After a backslash at the end of a line: white space up to the next text is left out.
    private mutating func skipLineContinuation() throws(TOMLError) {
        skipSpace()
        if peek == 0x0D { position += 1 }
        guard peek == 0x0A else { throw error("a string has an unknown escape") }
        while true {
            skipSpace()
            guard try lineBreak() else { return }
        }
    }
}

// MARK: - Bytes

extension TOMLReader {
    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(TOMLError) {
        skipSpace()
        guard take(byte) else { throw error("\"\(Character(Unicode.Scalar(byte)))\" is missing") }
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 { position += 1 }
    }

    /// Skips space, comments and line breaks.
    private mutating func skipBlank() throws(TOMLError) {
        while true {
            skipSpace()
            try skipComment()
            guard try lineBreak() else { return }
        }
    }

    private mutating func endLine() throws(TOMLError) {
        skipSpace()
        try skipComment()
        guard try lineBreak() || peek == nil else { throw error("something follows a value on its line") }
    }

    private mutating func skipComment() throws(TOMLError) {
        guard peek == UInt8(ascii: "#") else { return }
        while let byte = peek, byte != 0x0A {
            let isLineEnd = byte == 0x0D && position + 1 < bytes.count && bytes[position + 1] == 0x0A
            if isLineEnd { return }
            guard byte == 0x09 || (byte >= 0x20 && byte != 0x7F) else {
                throw error("a comment holds a control character")
            }
            position += 1
        }
    }

    private mutating func lineBreak() throws(TOMLError) -> Bool {
        if peek == 0x0D {
            guard position + 1 < bytes.count, bytes[position + 1] == 0x0A else {
                throw error("a carriage return stands alone")
            }
            position += 1
        }
        guard take(0x0A) else { return false }
        line += 1
        return true
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private func error(_ reason: String) -> TOMLError { TOMLError(line: line, reason: reason) }
}
