import KettleTOML
import SystemPackage

/// What `pyproject.toml` says of a build (PEP 518 and PEP 621).
struct UvProject: Sendable {
    static let fileName = "pyproject.toml"

    /// Names of the packages that build it, normalized.
    let backends: [String]

    /// - Parameter folder: Relative to the source's root.
    init(of folder: String, in root: FilePath) throws(ToolchainError) {
        let path = folder.isEmpty ? Self.fileName : "\(folder)/\(Self.fileName)"
        guard let document = try ProjectFile.readTOML(path, in: root) else {
            throw .unreadableFile(name: path, reason: "it is missing")
        }
        guard let system = document["build-system"] else {
            // What PEP 518 says of a project without the table.
            backends = ["setuptools"]
            return
        }
        var backends: [String] = []
        for requirement in system.tableValue?["requires"]?.arrayValue ?? [] {
            guard let text = requirement.stringValue, let name = Self.name(of: text) else {
                throw .malformedFile(
                    name: path, line: nil, reason: "build-system requires something that is not a package")
            }
            backends.append(name)
        }
        self.backends = backends
    }

    /// The name at the start of a requirement (PEP 508).
    private static func name(of requirement: String) -> String? {
        let text = requirement.drop { $0 == " " }
        let name = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        guard !name.isEmpty, !text.contains("@") else { return nil }
        return normalized(String(name))
    }

    /// Runs of `-`, `_` and `.` are one dash, and letters are small (PEP 503).
    static func normalized(_ name: String) -> String {
        var normalized = ""
        for character in name.lowercased() {
            let isSeparator = "-_.".contains(character)
            if !isSeparator { normalized.append(character) } else if normalized.last != "-" { normalized.append("-") }
        }
        return normalized
    }
}
