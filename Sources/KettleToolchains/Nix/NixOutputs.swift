import KettleProvenance
import KettleSandbox

/// Follows `nix build --json`, which says in one line what it made: `[{"drvPath": …, "outputs": {"out": "/nix/store/…"}}]`.
struct NixOutputs: BuildOutputReader {
    private static let outputLimit = 1000
    private var found: [ArtifactPath] = []
    private var failure: ToolchainError?

    mutating func read(line: UnsafeRawBufferPointer, from stream: OutputStream) -> String? {
        // Standard output is Nix's alone: builders write to its log.
        guard stream == .stdout, line.starts(with: "[{\"drvPath\":".utf8) else {
            return String(decoding: line, as: UTF8.self)
        }
        guard let builds = (try? JSONValue(parsing: Array(line), maximumDepth: 8))?.arrayValue else {
            failure = failure ?? .unreadableMessage
            return nil
        }
        for output in builds.flatMap({ ($0["outputs"]?.objectValue ?? [:]).values }) {
            guard let path = output.stringValue, let name = StorePath(path)?.name, found.count < Self.outputLimit else {
                failure = failure ?? .unreadableMessage
                return nil
            }
            let artifact = ArtifactPath(name: name, path: String(path.dropFirst()))
            // Two targets may be one derivation.
            if !found.contains(artifact) { found.append(artifact) }
        }
        return nil
    }

    func artifacts() throws(ToolchainError) -> [ArtifactPath] {
        if let failure { throw failure }
        return found.sorted { $0.path < $1.path }
    }
}
