import KettleProvenance

/// Reads `go.mod` (Go Modules Reference, "go.mod files"; Go's `golang.org/x/mod/modfile`).
///
/// What Kettle needs of it: which modules the project requires, and which stand in for others. A directive that it does not
/// know is refused, since it may change what goes into a build.
package struct GoMod: Sendable {
    static let fileName = "go.mod"
    private static let maximumLines = 100_000

    struct Requirement: Sendable, Hashable {
        var module: GoModule
        /// Needed by other modules only: marked `// indirect`.
        var isIndirect: Bool
    }

    enum Replacement: Sendable, Hashable {
        case module(GoModule)
        /// A folder, as it was written: relative to the project's.
        case folder(String)
    }

    /// What the module is called.
    package private(set) var path: String
    /// Of the `go` line: major and minor; 1.16 where there is none, as Go has it.
    private(set) var goVersion: (major: Int, minor: Int) = (1, 16)
    private(set) var requirements: [Requirement] = []
    /// By what is replaced; a path with an empty version stands for all versions.
    private(set) var replacements: [String: Replacement] = [:]

    /// Since Go 1.17 the file names every module that gives packages to the build, not only those that the project names itself.
    var isComplete: Bool { goVersion.major > 1 || goVersion.minor >= 17 }

    /// - Throws: ``ToolchainError/malformedFile(name:line:reason:)``.
    package init(parsing bytes: [UInt8]) throws(ToolchainError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformedFile(name: Self.fileName, line: nil, reason: "it is not UTF-8")
        }
        path = ""
        var block: String?
        for (index, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            guard index < Self.maximumLines else { throw Self.malformed(index, "it has too many lines") }
            let (words, comment) = try Self.words(of: Substring(line), index)
            guard let first = words.first else { continue }
            if let verb = block {
                if words == [")"] { block = nil } else { try take(verb, words, comment, index) }
            } else if words.count == 2, words[1] == "(" {
                try Self.check(verb: first, index)
                block = first
            } else {
                try Self.check(verb: first, index)
                try take(first, Array(words.dropFirst()), comment, index)
            }
        }
        guard block == nil else { throw .malformedFile(name: Self.fileName, line: nil, reason: "a block does not end") }
        guard !path.isEmpty else {
            throw .malformedFile(name: Self.fileName, line: nil, reason: "it names no module")
        }
    }

    /// What stands in for a module, if anything does.
    func replacement(of module: GoModule) -> Replacement? {
        replacements["\(module.path) \(module.version)"] ?? replacements["\(module.path) "]
    }

    // MARK: - Directives

    private static func check(verb: String, _ index: Int) throws(ToolchainError) {
        let known = [
            "module", "go", "toolchain", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore",
        ]
        guard known.contains(verb) else { throw malformed(index, "the directive \"\(verb.prefix(50))\" is unknown") }
    }

    private mutating func take(
        _ verb: String, _ words: [String], _ comment: Substring, _ index: Int
    ) throws(ToolchainError) {
        switch verb {
        case "module":
            guard words.count == 1, GoModule.isPath(words[0]), path.isEmpty else {
                throw Self.malformed(index, "it names no module, or two")
            }
            path = words[0]
        case "go":
            let parts = words.first?.split(separator: ".") ?? []
            guard words.count == 1, parts.count >= 2, let major = Int(parts[0]),
                let minor = Int(parts[1].prefix { $0.isASCII && $0.isNumber })
            else { throw Self.malformed(index, "the version of Go is not usable") }
            goVersion = (major, minor)
        case "require":
            guard words.count == 2, let module = GoModule(path: words[0], version: words[1]) else {
                throw Self.malformed(index, "it requires no version of a module")
            }
            let note = comment.drop { $0 == " " || $0 == "\t" }
            requirements.append(
                Requirement(module: module, isIndirect: note == "indirect" || note.hasPrefix("indirect;")))
        case "replace": try replace(words, index)
        default: break
        }
    }

    private mutating func replace(_ words: [String], _ index: Int) throws(ToolchainError) {
        let failure = Self.malformed(index, "it replaces no module by a module or folder")
        let sides = words.split(separator: "=>", omittingEmptySubsequences: false).map(Array.init)
        guard sides.count == 2, (1...2).contains(sides[0].count), GoModule.isPath(sides[0][0]) else { throw failure }
        let version = sides[0].count == 2 ? sides[0][1] : ""
        guard version.isEmpty || GoModule.isVersion(version) else { throw failure }
        let replacement: Replacement
        if sides[1].count == 1, [".", "/"].contains(where: { sides[1][0].hasPrefix($0) }) {
            replacement = .folder(sides[1][0])
        } else if sides[1].count == 2, let module = GoModule(path: sides[1][0], version: sides[1][1]) {
            replacement = .module(module)
        } else {
            throw failure
        }
        guard replacements.updateValue(replacement, forKey: "\(sides[0][0]) \(version)") == nil else {
            throw Self.malformed(index, "\(sides[0][0]) is replaced twice")
        }
    }

    // MARK: - Words

    /// The words of a line, and what stands behind `//`.
    private static func words(
        of line: Substring, _ index: Int
    ) throws(ToolchainError) -> ([String], comment: Substring) {
        var words: [String] = []
        var rest = line
        while let next = rest.first {
            if next == " " || next == "\t" || next == "\r" {
                rest = rest.dropFirst()
            } else if rest.hasPrefix("//") {
                return (words, rest.dropFirst(2).trimmingSuffix { $0 == "\r" || $0 == " " || $0 == "\t" })
            } else if next == "\"" || next == "`" {
                let end = rest.dropFirst().firstIndex(of: next)
                guard let end, !rest[..<end].contains("\\") else {
                    throw malformed(index, "a quoted word does not end, or has escapes")
                }
                words.append(String(rest[..<end].dropFirst()))
                rest = rest[end...].dropFirst()
            } else if "()[],".contains(next) {
                words.append(String(next))
                rest = rest.dropFirst()
            } else {
                let word = rest.prefix { !" \t\r\"`()[],".contains($0) }
                // A comment may follow a word right away.
                let end = word.firstRange(of: "//")?.lowerBound ?? word.endIndex
                words.append(String(word[..<end]))
                rest = rest[end...]
            }
        }
        return (words, "")
    }

    private static func malformed(_ index: Int, _ reason: String) -> ToolchainError {
        .malformedFile(name: fileName, line: index + 1, reason: reason)
    }
}

extension Substring {
    fileprivate func trimmingSuffix(_ isTrimmed: (Character) -> Bool) -> Substring {
        var rest = self
        while let last = rest.last, isTrimmed(last) { rest = rest.dropLast() }
        return rest
    }
}
