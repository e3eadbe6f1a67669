import Foundation
package import KettleProvenance

/// `flake.lock`, versions 5 to 7: what each input of a flake is, by the hash of its files (Nix manual, "nix flake", "Lock files").
package struct FlakeLock: Sendable, Hashable {
    package static let fileName = "flake.lock"
    private static let nodeLimit = 2000
    private static let inputLimit = 20_000

    /// Every node but the root, sorted by name. Who needs which stands in ``dependencies``.
    package let inputs: [FlakeInput]
    /// Names of the nodes that a node names itself; the root's under the empty text. What it takes over from another one
    /// ("follows") is not among them.
    package let dependencies: [String: [String]]

    /// Reads the file. It may come from anyone.
    ///
    /// - Throws: ``ToolchainError/malformedFile(name:line:reason:)``, ``ToolchainError/unknownLockfileVersion(name:version:)``,
    ///   ``ToolchainError/missingChecksum(package:)`` for an input without a hash,
    ///   ``ToolchainError/unsupportedSource(package:source:)`` for one of a kind that Kettle does not fetch.
    package init(parsing bytes: [UInt8]) throws(ToolchainError) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes, maximumDepth: 16, maximumBytes: ProjectFile.limitInBytes)
        } catch {
            throw Self.malformed(error.message)
        }
        guard case .integer(let version)? = document["version"] else { throw Self.malformed("it has no version") }
        guard (5...7).contains(version) else {
            throw .unknownLockfileVersion(name: Self.fileName, version: "\(version)")
        }
        guard let nodes = document["nodes"]?.objectValue, let root = document["root"]?.stringValue, nodes[root] != nil
        else { throw Self.malformed("it has no nodes, or no root among them") }
        guard nodes.count <= Self.nodeLimit else { throw Self.malformed("it has more than \(Self.nodeLimit) nodes") }
        var inputs: [FlakeInput] = []
        var dependencies: [String: [String]] = [:]
        var count = 0
        for (name, node) in nodes.sorted(by: { $0.key < $1.key }) {
            guard Self.isName(name) else { throw Self.malformed("a node has the name \"\(name)\"") }
            let named = try Self.inputs(of: node, called: name, among: nodes)
            count += named.count
            guard count <= Self.inputLimit else { throw Self.malformed("its nodes have too many inputs") }
            dependencies[name == root ? "" : name] = named.filter { $0 != root }
            if name != root { inputs.append(try FlakeInput(name, node)) }
        }
        self.inputs = inputs
        self.dependencies = dependencies
    }

    private static func inputs(
        of node: JSONValue, called name: String, among nodes: [String: JSONValue]
    ) throws(ToolchainError) -> [String] {
        guard let value = node["inputs"] else { return [] }
        guard let inputs = value.objectValue else { throw malformed("the inputs of \(name) are not an object") }
        var named: [String] = []
        for (_, input) in inputs.sorted(by: { $0.key < $1.key }) {
            if let other = input.stringValue {
                guard nodes[other] != nil else {
                    throw malformed("\(name) names the node \"\(other)\", which is not there")
                }
                named.append(other)
            } else if let path = input.arrayValue {
                guard path.count <= 64, path.allSatisfy({ $0.stringValue != nil }) else {
                    throw malformed("an input of \(name) follows no path of names")
                }
            } else {
                throw malformed("an input of \(name) is neither a node nor a path")
            }
        }
        return named
    }

    static func isName(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F && !$0.properties.isWhitespace }
    }

    static func malformed(_ reason: String) -> ToolchainError {
        .malformedFile(name: fileName, line: nil, reason: reason)
    }
}

/// One input, pinned.
package struct FlakeInput: Sendable, Hashable {
    /// Where it comes from.
    package enum Origin: Sendable, Hashable {
        /// A commit's files as the forge packs them.
        case github(owner: String, repository: String, revision: String)
        /// A commit of a git repository, with its submodules or without.
        case git(url: String, revision: String, submodules: Bool)
        /// An archive with one folder, by its URL.
        case tarball(url: String)
        /// A folder of the flake's own source, relative to the flake; nothing is fetched.
        case source(path: String)
    }

    /// The node's name.
    package var name: String
    package var origin: Origin
    /// SHA-256 of the files as a Nix archive; nil for a folder of the source alone.
    package var narHash: ContentDigest?

    init(_ name: String, _ node: JSONValue) throws(ToolchainError) {
        self.name = name
        guard let locked = node["locked"], let type = locked["type"]?.stringValue else {
            throw FlakeLock.malformed("the input \(name) is not locked")
        }
        if let hash = locked["narHash"] {
            guard let digest = hash.stringValue.flatMap(Self.digest) else {
                throw FlakeLock.malformed("the narHash of \(name) is not a SHA-256 in base64")
            }
            narHash = digest
        }
        switch type {
        case "github":
            guard (locked["host"]?.stringValue ?? "github.com") == "github.com" else {
                throw .unsupportedSource(package: name, source: "a GitHub of its own")
            }
            origin = .github(
                owner: try Self.component("owner", locked, name), repository: try Self.component("repo", locked, name),
                revision: try Self.revision(locked, name))
        case "git":
            origin = .git(
                url: try Self.url(locked, name), revision: try Self.revision(locked, name),
                submodules: locked["submodules"]?.boolValue ?? false)
        case "tarball": origin = .tarball(url: try Self.url(locked, name))
        case "path":
            guard let path = locked["path"]?.stringValue, path.utf8.count <= 4096 else {
                throw FlakeLock.malformed("the input \(name) has no path")
            }
            guard !path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
                throw .outsideSource(manifest: FlakeLock.fileName, path: path)
            }
            origin = .source(path: path)
            return
        default: throw .unsupportedSource(package: name, source: "an input of the type \(type)")
        }
        guard narHash != nil else { throw .missingChecksum(package: name) }
    }

    /// `sha256-` and 44 characters of base64 (W3C Subresource Integrity).
    static func digest(_ text: String) -> ContentDigest? {
        guard text.hasPrefix("sha256-"), text.utf8.count == 51,
            let bytes = Data(base64Encoded: String(text.dropFirst(7))),
            // The last characters have bits that stand for nothing.
            bytes.base64EncodedString() == text.dropFirst(7)
        else { return nil }
        return ContentDigest(bytes: Array(bytes))
    }

    private static func revision(_ locked: JSONValue, _ name: String) throws(ToolchainError) -> String {
        guard let text = locked["rev"]?.stringValue, [UInt8](hexadecimal: text)?.count == 20 else {
            throw FlakeLock.malformed("the rev of \(name) has no 40 hexadecimal digits")
        }
        return text
    }

    /// A name that stands in a URL between two slashes.
    private static func component(
        _ key: String, _ locked: JSONValue, _ name: String
    ) throws(ToolchainError) -> String {
        let isPlain = { (byte: UInt8) in
            byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        guard let text = locked[key]?.stringValue, (1...100).contains(text.utf8.count), text.utf8.allSatisfy(isPlain),
            text != ".", text != ".."
        else { throw FlakeLock.malformed("the \(key) of \(name) is not usable") }
        return text
    }

    private static func url(_ locked: JSONValue, _ name: String) throws(ToolchainError) -> String {
        guard let text = locked["url"]?.stringValue, (1...2048).contains(text.utf8.count),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw FlakeLock.malformed("the url of \(name) is not usable") }
        return text
    }
}
