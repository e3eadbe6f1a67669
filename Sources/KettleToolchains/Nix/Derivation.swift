import KettleProvenance

/// One `.drv` file: what Nix would run to make some outputs, and what that needs.
///
/// The file is a term of lists, tuples and texts, `Derive([outputs],[derivations],[sources],system,builder,[arguments],[environment])`
/// (E. Dolstra, "The Purely Functional Software Deployment Model", figure 5.8; Nix's `parseDerivation`). Evaluating a project
/// wrote it, so it may be anything.
package struct Derivation: Sendable, Hashable {
    /// An output whose content is pinned.
    package struct FixedOutput: Sendable, Hashable {
        package var algorithm: String
        /// Whether the digest is of a Nix archive ("recursive") and not of a file's bytes ("flat").
        package var isArchive: Bool
        /// Hexadecimal.
        package var digest: String
    }

    /// Where each output will lie; nil where that follows from its content only.
    package var outputs: [String: StorePath?] = [:]
    /// nil unless there is one output and its content is pinned.
    package var fixed: FixedOutput?
    /// The derivations it needs, each with those of its outputs.
    package var inputs: [StorePath: Set<String>] = [:]
    package var builder = ""
    /// Of the variables those that say how a file is fetched.
    package var environment: [String: String] = [:]
    /// Whether a binary cache may be asked for it (Nix manual, "Advanced attributes", `allowSubstitutes`).
    package var allowsSubstitutes = true

    private static let variables: Set<String> = ["url", "urls", "unpack", "postFetch", "executable"]

    /// - Returns: nil for what is no such term.
    package init?(parsing bytes: [UInt8]) {
        var reader = TermReader(bytes)
        guard reader.skip("Derive("), let outputs = reader.list({ $0.outputs() }), reader.skip(","),
            let inputs = reader.list({ $0.inputs() }), reader.skip(","), reader.list({ $0.text() }) != nil,
            reader.skip(","), reader.text() != nil, reader.skip(","), let builder = reader.text(), reader.skip(","),
            reader.list({ $0.text() }) != nil, reader.skip(","), let environment = reader.list({ $0.pair() }),
            reader.skip(")"), reader.isAtEnd
        else { return nil }
        for (name, path, hash) in outputs {
            guard path.isEmpty || StorePath(path) != nil,
                self.outputs.updateValue(StorePath(path), forKey: name) == nil
            else { return nil }
            if let hash, outputs.count == 1, name == "out" { fixed = hash }
        }
        for (path, names) in inputs {
            guard let path = StorePath(path), self.inputs.updateValue(Set(names), forKey: path) == nil
            else { return nil }
        }
        let variables = Dictionary(environment) { first, _ in first }
        guard variables.count == environment.count, !self.outputs.isEmpty else { return nil }
        if let text = variables["__json"] {
            allowsSubstitutes = (try? JSONValue(parsing: Array(text.utf8)))?["allowSubstitutes"]?.boolValue ?? true
        } else if let text = variables["allowSubstitutes"] {
            allowsSubstitutes = text == "1"
        }
        self.environment = variables.filter { Self.variables.contains($0.key) }
        self.builder = builder
    }
}

/// Reads a term from its first byte to its last.
private struct TermReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { place == bytes.count }

    mutating func skip(_ text: StaticString) -> Bool {
        let matches = text.withUTF8Buffer { bytes[place...].starts(with: $0) }
        if matches { place += text.utf8CodeUnitCount }
        return matches
    }

    mutating func list<Element>(_ element: (inout TermReader) -> Element?) -> [Element]? {
        guard skip("[") else { return nil }
        var elements: [Element] = []
        while !skip("]") {
            guard elements.isEmpty || skip(","), let next = element(&self) else { return nil }
            elements.append(next)
        }
        return elements
    }

    /// With the escapes `\n`, `\r`, `\t`, and a backslash before any other byte that stands for itself.
    mutating func text() -> String? {
        guard skip("\"") else { return nil }
        var text: [UInt8] = []
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard place < bytes.count else { return nil }
                switch bytes[place] {
                case UInt8(ascii: "n"): text.append(0x0A)
                case UInt8(ascii: "r"): text.append(0x0D)
                case UInt8(ascii: "t"): text.append(0x09)
                case let other: text.append(other)
                }
                place += 1
            default: text.append(byte)
            }
        }
        return nil
    }

    mutating func pair() -> (String, String)? {
        guard skip("("), let name = text(), skip(","), let value = text(), skip(")") else { return nil }
        return (name, value)
    }

    mutating func inputs() -> (String, [String])? {
        guard skip("("), let path = text(), skip(","), let names = list({ $0.text() }), skip(")") else { return nil }
        return (path, names)
    }

    mutating func outputs() -> (name: String, path: String, hash: Derivation.FixedOutput?)? {
        guard skip("("), let name = text(), skip(","), let path = text(), skip(","), let method = text(), skip(","),
            let digest = text(), skip(")")
        else { return nil }
        guard !digest.isEmpty else { return (name, path, nil) }
        let isArchive = method.hasPrefix("r:")
        return (
            name, path,
            Derivation.FixedOutput(
                algorithm: isArchive ? String(method.dropFirst(2)) : method, isArchive: isArchive, digest: digest)
        )
    }
}
