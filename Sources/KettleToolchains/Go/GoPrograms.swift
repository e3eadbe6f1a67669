import KettleSandbox

/// Reads from `go list` which programs `go install` is going to write.
struct GoPrograms: BuildOutputReader {
    private static let marker = "kettle program "
    static let template = #"{{if eq .Name "main"}}\#(marker){{.Target}}{{end}}"#

    /// Where they are written, inside.
    let folder: String
    private var found: [ArtifactPath] = []

    init(folder: String) { self.folder = folder }

    mutating func read(line: UnsafeRawBufferPointer, from stream: OutputStream) -> String? {
        let text = String(decoding: line, as: UTF8.self)
        guard stream == .stdout, text.hasPrefix(Self.marker) else { return text.isEmpty ? nil : text }
        let path = text.dropFirst(Self.marker.count)
        guard path.hasPrefix(folder + "/") else { return text }
        let name = String(path.dropFirst(folder.count + 1))
        found.append(ArtifactPath(name: name, path: name))
        return nil
    }

    func artifacts() throws(ToolchainError) -> [ArtifactPath] { try ArtifactPath.sorted(found) }
}
