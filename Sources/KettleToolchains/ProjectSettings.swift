package import KettleProvenance
import KettleTOML
import SystemPackage

/// What a project says of how it is to be built: `kettle.toml` in the source's root, which the source's digest covers.
///
///     toolchain = "cargo"
///     path = "crates/cli"
///     packages = ["cli"]
///     targets = ["cli"]
///     features = ["tls"]
///     artifacts = ["dist/*.tar.gz"]
package struct ProjectSettings: Sendable, Hashable {
    /// What not every toolchain has.
    package enum Key: String, Sendable, Hashable, CaseIterable {
        /// Members of the workspace, by the name or path that the toolchain's own command takes.
        case packages
        /// Programs, products or outputs.
        case targets
        case features
    }

    package static let fileName = "kettle.toml"
    private static let listLimit = 64

    package var toolchain: String?
    /// The project's folder, relative to the source's root.
    package var path: String?
    package var lists: [Key: [String]] = [:]
    /// Which files of the project's folder are the artifacts, by pattern; empty for those that the toolchain names.
    package var artifacts: [String] = []

    package init() {}

    package subscript(key: Key) -> [String] { lists[key] ?? [] }

    /// The keys that are set, in a fixed order.
    var used: [Key] { Key.allCases.filter { !self[$0].isEmpty } }

    /// Reads the settings of a source.
    ///
    /// - Parameter folder: The folder that they stand in, relative to the root. Their `path` is relative to it, and becomes one to the root.
    /// - Returns: nil without the file.
    /// - Throws: ``ToolchainError/malformedFile(name:line:reason:)`` for an unknown key and a value that cannot be used.
    static func read(in root: FilePath, folder: String = "") throws(ToolchainError) -> ProjectSettings? {
        let name = folder.isEmpty ? fileName : "\(folder)/\(fileName)"
        guard let table = try ProjectFile.readTOML(name, in: root) else { return nil }
        var settings = try ProjectSettings(table)
        if !folder.isEmpty, let path = settings.path {
            guard !path.hasPrefix("/") else { throw .noSuchFolder(path) }
            settings.path = "\(folder)/\(path)"
        }
        return settings
    }

    init(_ table: TOMLTable) throws(ToolchainError) {
        for (name, value) in table.sorted(by: { $0.key < $1.key }) {
            switch name {
            case "toolchain": toolchain = try Self.text(value, name)
            case "path": path = try Self.text(value, name)
            case "artifacts":
                artifacts = try Self.texts(value, name)
                for pattern in artifacts where !ArtifactPattern.isUsable(pattern) {
                    throw Self.malformed(
                        "artifacts names \"\(pattern)\", which is not a path inside the project's folder")
                }
            default:
                guard let key = Key(rawValue: name) else { throw Self.malformed("the key \"\(name)\" is unknown") }
                lists[key] = try Self.texts(value, name)
            }
        }
    }

    /// For the statement: what is set, and nothing of what is not.
    package var json: [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        members["toolchain"] = toolchain.map(JSONValue.string)
        members["path"] = path.map(JSONValue.string)
        for key in used { members[key.rawValue] = .array(self[key].map(JSONValue.string)) }
        if !artifacts.isEmpty { members["artifacts"] = .array(artifacts.map(JSONValue.string)) }
        return members
    }

    private static func texts(_ value: TOMLValue, _ name: String) throws(ToolchainError) -> [String] {
        guard let values = value.arrayValue, values.count <= listLimit else {
            throw malformed("\(name) is not a list of at most \(listLimit) strings")
        }
        var texts: [String] = []
        for value in values { texts.append(try text(value, name)) }
        return texts
    }

    /// A text that may stand on a command line: no option, no control characters.
    private static func text(_ value: TOMLValue, _ name: String) throws(ToolchainError) -> String {
        guard let text = value.stringValue, (1...255).contains(text.utf8.count), !text.hasPrefix("-"),
            text.unicodeScalars.allSatisfy({ isPlain($0) })
        else {
            throw malformed("\(name) must be 1 to 255 bytes without spaces, and must not begin with a dash")
        }
        return text
    }

    /// No spaces, and nothing that is not seen or changes the direction of what is.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .surrogate, .unassigned: false
        default: true
        }
    }

    private static func malformed(_ reason: String) -> ToolchainError {
        .malformedFile(name: fileName, line: nil, reason: reason)
    }
}
