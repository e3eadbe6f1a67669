import KettleProvenance
import SystemPackage

/// What decides of a project's `package.json` how it is packed.
struct NodeManifest: Sendable, Hashable {
    static let fileName = "package.json"

    var name = ""
    var version = ""
    var isPrivate = false
    /// Whether it has members, packages in folders of their own.
    var isWorkspace = false

    /// npm and pnpm pack nothing without both.
    var isPackable: Bool { !name.isEmpty && !version.isEmpty }

    /// - Throws: ``ToolchainError/malformedFile(name:line:reason:)`` for a project without a manifest, or with one that is no JSON.
    static func read(in folder: FilePath) throws(ToolchainError) -> NodeManifest {
        guard let bytes = try ProjectFile.read(fileName, in: folder) else {
            throw .malformedFile(name: fileName, line: nil, reason: "it is missing")
        }
        return try NodeManifest(parsing: bytes)
    }

    init(parsing bytes: [UInt8]) throws(ToolchainError) {
        // npm passes over a byte order mark.
        let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        let value: JSONValue
        do {
            value = try JSONValue(parsing: hasMark ? Array(bytes.dropFirst(3)) : bytes, maximumValues: 100_000)
        } catch {
            throw .malformedFile(name: Self.fileName, line: nil, reason: error.message)
        }
        guard value.objectValue != nil else {
            throw .malformedFile(name: Self.fileName, line: nil, reason: "it is not a JSON object")
        }
        name = value["name"]?.stringValue ?? ""
        version = value["version"]?.stringValue ?? ""
        isPrivate = value["private"]?.boolValue == true
        let members = value["workspaces"]?["packages"] ?? value["workspaces"]
        isWorkspace = members?.arrayValue?.isEmpty == false
    }
}
