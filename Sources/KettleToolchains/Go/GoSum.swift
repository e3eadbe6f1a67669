import KettleProvenance

/// Reads `go.sum`: for each version of a module the sum of its files, of its `go.mod`, or of both.
///
///     github.com/google/uuid v1.3.0 h1:t6JiXgmwXMjEs8VusXIJk2BXHsn+wx8BZdTaoZ5fu7I=
///     github.com/google/uuid v1.3.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=
///
/// Strict: Go passes over sums of a kind that it does not know, and takes one of several; Kettle refuses both.
package struct GoSum: Sendable {
    static let fileName = "go.sum"
    private static let maximumLines = 100_000

    /// Of the files of a module's zip.
    let modules: [GoModule: GoSumHash]
    /// Of the `go.mod` alone.
    let goMods: [GoModule: GoSumHash]

    /// No sums: for a project that needs none.
    init() { (modules, goMods) = ([:], [:]) }

    /// - Throws: ``ToolchainError/malformedFile(name:line:reason:)``.
    package init(parsing bytes: [UInt8]) throws(ToolchainError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformedFile(name: Self.fileName, line: nil, reason: "it is not UTF-8")
        }
        var (modules, goMods): ([GoModule: GoSumHash], [GoModule: GoSumHash]) = ([:], [:])
        for (index, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            guard index < Self.maximumLines else { throw Self.malformed(index, "it has too many lines") }
            let fields = line.split { [0x20, 0x09, 0x0D].contains($0) }.map { String(Substring($0)) }
            if fields.isEmpty { continue }
            guard fields.count == 3 else {
                throw Self.malformed(index, "a line has a module, a version and a sum")
            }
            guard let sum = GoSumHash(fields[2]) else {
                throw Self.malformed(index, "\"\(fields[2].prefix(100))\" is not a sum of the kind h1")
            }
            let isGoMod = fields[1].hasSuffix("/go.mod")
            let version = isGoMod ? String(fields[1].dropLast("/go.mod".count)) : fields[1]
            guard let module = GoModule(path: fields[0], version: version) else {
                throw Self.malformed(index, "it names no version of a module")
            }
            let before = isGoMod ? goMods.updateValue(sum, forKey: module) : modules.updateValue(sum, forKey: module)
            guard before == nil || before == sum else {
                throw Self.malformed(index, "\(module.spec) has two sums")
            }
        }
        self.modules = modules
        self.goMods = goMods
    }

    /// For the fuzzer: the file that says the same, sorted.
    package var text: String {
        let lines =
            modules.map { "\($0.key.path) \($0.key.version) \($0.value.text)\n" }
            + goMods.map { "\($0.key.path) \($0.key.version)/go.mod \($0.value.text)\n" }
        return lines.sorted().joined()
    }

    private static func malformed(_ index: Int, _ reason: String) -> ToolchainError {
        .malformedFile(name: fileName, line: index + 1, reason: reason)
    }
}
