/// Lets through to Yams only what pnpm writes of YAML.
///
/// Yams calls itself at each level of nesting, takes memory for each value, and follows aliases, of which a few lines stand for
/// gigabytes. So depth and number are limited here, and what pnpm does not write is refused: readers differ about it too.
/// pnpm writes with js-yaml's `dump`: mappings and lists in blocks, small ones in braces and brackets on one line, texts plain
/// or in quotes on one line, long ones in blocks.
///
/// A limit holds only if nothing is structure for libyaml that is text here. That is why a text, a brace and a bracket have to
/// end on their line: libyaml then starts every line afresh, as this does. Whether the structure makes sense is for Yams to say.
struct LockfileYAMLGuard {
    /// In columns. Each opens two levels at most: a mapping, and a list right below a key.
    private static let maximumIndent = 32
    private static let maximumDepthInBrackets = 16
    /// Some times more than the longest keys, which name all the peers of a package.
    private static let maximumLineInBytes = 16 << 10
    /// Lines and signs between values: pnpm needs one for about 30 bytes.
    private static let maximumSigns = 1 << 19

    /// What the last line with content leaves for the next.
    private enum Above {
        /// A key or a dash that may have its value below.
        case nothing
        /// A value that belongs to this column, and so is over unless a line stands further to the right.
        case value(column: Int)
        /// The head of a text in a block. Where its lines begin its first one tells, unless the head does.
        case text(column: Int, indent: Int?)
    }

    private var number = 0
    private var above = Above.nothing
    /// How many lines and signs there are, of which each makes three values at most.
    private(set) var signs = 0
    /// What is left of the line.
    private var rest: ArraySlice<UInt8> = []

    /// - Throws: The first line that pnpm would not have written.
    mutating func check(_ text: String) throws(LockfileYAML.Malformed) {
        try checkCharacters(text)
        // By bytes, since Swift takes a carriage return and a line feed for one character.
        for line in Array(text.utf8).split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            guard line.count <= Self.maximumLineInBytes else { throw malformed("it has a line that is too long") }
            try count()
            rest = line
            skipSpaces()
            let indent = line.count - rest.count
            if try isText(indent: indent) || rest.isEmpty || rest.first == UInt8(ascii: "#") { continue }
            if number == 1, line.elementsEqual("---".utf8) { continue }
            guard indent > 0 || !rest.starts(with: "...".utf8) else { throw malformed("it has several documents") }
            guard indent <= Self.maximumIndent else { throw malformed("it is nested too deeply") }
            if case .value(let column) = above, indent > column {
                throw malformed("a line does not stand below the one that it belongs to")
            }
            try checkLine(indent: indent)
        }
    }

    /// js-yaml escapes what is not printable. YAML 1.1 has more line breaks than YAML 1.2.
    private func checkCharacters(_ text: String) throws(LockfileYAML.Malformed) {
        var line = 1
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A: line += 1
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0xFEFF:
                throw LockfileYAML.Malformed(line: line, reason: "it has a control character")
            default: break
            }
        }
    }

    private func malformed(_ reason: String) -> LockfileYAML.Malformed {
        LockfileYAML.Malformed(line: number, reason: reason)
    }

    private mutating func count() throws(LockfileYAML.Malformed) {
        signs += 1
        guard signs <= Self.maximumSigns else { throw malformed("it has too many values") }
    }

    private mutating func skipSpaces() { rest = rest.drop { $0 == UInt8(ascii: " ") } }

    /// Whether the line belongs to a text in a block (libyaml's `yaml_parser_scan_block_scalar`).
    private mutating func isText(indent: Int) throws(LockfileYAML.Malformed) -> Bool {
        guard case .text(let column, let known) = above else { return false }
        if rest.isEmpty {
            // libyaml takes these spaces for the text's indent. js-yaml says the indent in the head then.
            guard known != nil || indent == 0 else { throw malformed("a string begins with spaces") }
            return true
        }
        if indent > column, indent >= known ?? 0 {
            above = .text(column: column, indent: known ?? indent)
            return true
        }
        above = .value(column: column)
        return false
    }

    // MARK: - Lines

    /// `key: value`, also behind `- ` or, for what belongs to a long key, `: `; `- value`; `? key`.
    private mutating func checkLine(indent: Int) throws(LockfileYAML.Malformed) {
        let mark = [UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "?")].first { mark in
            rest.first == mark && (rest.count == 1 || rest.dropFirst().first == UInt8(ascii: " "))
        }
        var column = indent
        if let mark {
            rest = rest.dropFirst(2)
            above = .nothing
            if rest.isEmpty, mark != UInt8(ascii: "?") { return }
            if let first = rest.first, "{[|>".utf8.contains(first), mark != UInt8(ascii: "?") {
                return try checkValue(column: column)
            }
            column += 2
        }
        try checkText(isInBrackets: false)
        guard rest.first == UInt8(ascii: ":") else {
            guard mark != nil, rest.isEmpty else { throw malformed("a line is not a key with a value") }
            above = .value(column: indent)
            return
        }
        guard mark != UInt8(ascii: "?") else { throw malformed("a key is not a string") }
        rest.removeFirst()
        guard rest.isEmpty || rest.first == UInt8(ascii: " ") else { throw malformed("a key is in no usual form") }
        skipSpaces()
        above = .nothing
        if !rest.isEmpty { try checkValue(column: column) }
    }

    private mutating func checkValue(column: Int) throws(LockfileYAML.Malformed) {
        switch rest.first {
        case UInt8(ascii: "{"), UInt8(ascii: "["): try checkBrackets()
        case UInt8(ascii: "|"), UInt8(ascii: ">"):
            // A sign for line breaks at the end, or a digit for the indent, or both.
            let head = rest.dropFirst()
            let digits = head.filter { (UInt8(ascii: "1")...UInt8(ascii: "9")).contains($0) }
            guard head.count <= 2, digits.count <= 1, head.allSatisfy({ "+-".utf8.contains($0) || digits.contains($0) })
            else { throw malformed("a string is of an unknown form") }
            above = .text(column: column, indent: digits.first.map { column + Int($0 - UInt8(ascii: "0")) })
            return
        default: try checkText(isInBrackets: false)
        }
        skipSpaces()
        guard rest.isEmpty else { throw malformed("something follows a value") }
        above = .value(column: column)
    }

    private mutating func checkBrackets() throws(LockfileYAML.Malformed) {
        var depth = 0
        repeat {
            switch rest.first {
            case nil: throw malformed("a list does not end on its line")
            case UInt8(ascii: " "): rest.removeFirst()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                guard depth <= Self.maximumDepthInBrackets else { throw malformed("it is nested too deeply") }
                try count()
                rest.removeFirst()
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                rest.removeFirst()
            case UInt8(ascii: ","):
                try count()
                rest.removeFirst()
            case UInt8(ascii: ":"):
                try count()
                rest.removeFirst()
                guard rest.first == UInt8(ascii: " ") else { throw malformed("a key is in no usual form") }
            default: try checkText(isInBrackets: true)
            }
        } while depth > 0
    }

    // MARK: - Texts

    private mutating func checkText(isInBrackets: Bool) throws(LockfileYAML.Malformed) {
        switch rest.first {
        case UInt8(ascii: "'")?, UInt8(ascii: "\"")?: try checkQuoted()
        default: try checkPlain(isInBrackets: isInBrackets)
        }
    }

    /// A quote in single quotes is two. In double quotes, a backslash takes the next character with it.
    private mutating func checkQuoted() throws(LockfileYAML.Malformed) {
        let quote = rest.removeFirst()
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                _ = rest.popFirst()
            } else if byte == quote {
                guard quote == UInt8(ascii: "'"), rest.first == quote else { return }
                rest.removeFirst()
            }
        }
        throw malformed("a string in quotes does not end on its line")
    }

    private mutating func checkPlain(isInBrackets: Bool) throws(LockfileYAML.Malformed) {
        // What begins so is an anchor, an alias, a tag, a directive or an indicator, or stands further right than it seems.
        guard let first = rest.first, !"&*!%@`|>,[]{}#?-: ".utf8.contains(first) else {
            throw malformed("a string begins with a sign of YAML")
        }
        var isAfterSpace = false
        while let byte = rest.first {
            if byte == UInt8(ascii: ":"), [nil, UInt8(ascii: " ")].contains(rest.dropFirst().first) { return }
            if isInBrackets, ",[]{}".utf8.contains(byte) { return }
            guard byte != UInt8(ascii: "#") || !isAfterSpace else { throw malformed("a comment follows a value") }
            isAfterSpace = byte == UInt8(ascii: " ")
            rest.removeFirst()
        }
    }
}
