import Glibc
import KettleProvenance
package import KettleSandbox

/// Follows `cargo build --message-format=json-render-diagnostics`.
///
/// cargo writes one JSON message a line to standard output and diagnostics to standard error. A procedural macro can print
/// to the same stream, so a message proves nothing about who wrote it: the artifacts are those that *the build* names, and
/// only files where cargo puts final outputs count.
package struct CargoMessages: BuildOutputReader {
    /// Packages of the source have such an id, followed by `#`, `/` or the closing parenthesis of older cargos.
    private static let sourceID = "path+file:///build/source"
    private static let target = "/build/target/"
    private static let artifactLimit = 10_000

    private var found: [String: ArtifactPath] = [:]
    private var failure: ToolchainError?

    package mutating func read(line: UnsafeRawBufferPointer, from stream: OutputStream) -> String? {
        guard stream == .stdout, isMessage(line) else { return String(decoding: line, as: UTF8.self) }
        guard has(line, Self.artifactReason) else { return nil }
        guard let message = try? JSONValue(parsing: Array(line), maximumDepth: 16) else {
            // One of a dependency's would be passed over anyway, but which one this is cannot be told any more.
            failure = failure ?? .unreadableMessage
            return nil
        }
        take(message)
        return nil
    }

    package func artifacts() throws(ToolchainError) -> [ArtifactPath] {
        if let failure { throw failure }
        return found.values.sorted { $0.name < $1.name }
    }

    // MARK: - Messages

    private static let messageStart = Array(#"{"reason":""#.utf8)
    private static let artifactReason = Array(#"{"reason":"compiler-artifact""#.utf8)

    private func isMessage(_ line: UnsafeRawBufferPointer) -> Bool { has(line, Self.messageStart) }

    private func has(_ line: UnsafeRawBufferPointer, _ start: [UInt8]) -> Bool {
        guard line.count >= start.count, let base = line.baseAddress else { return false }
        return memcmp(base, start, start.count) == 0
    }

    private mutating func take(_ message: JSONValue) {
        guard message["reason"]?.stringValue == "compiler-artifact", isOfSource(message["package_id"]?.stringValue),
            message["profile"]?["test"]?.boolValue != true, let target = message["target"],
            let kinds = target["kind"]?.arrayValue?.compactMap(\.stringValue),
            let files = message["filenames"]?.arrayValue?.compactMap(\.stringValue)
        else { return }
        for file in files {
            guard let artifact = Self.finalOutput(file), isWanted(artifact.name, kinds) else { continue }
            add(artifact)
        }
    }

    private func isOfSource(_ id: String?) -> Bool {
        guard let id, let range = id.firstRange(of: Self.sourceID), range.upperBound < id.endIndex else { return false }
        let isNewForm = range.lowerBound == id.startIndex
        let isOldForm = id[..<range.lowerBound].hasSuffix(" (") && id.hasSuffix(")")
        return (isNewForm || isOldForm) && "#/)".contains(id[range.upperBound])
    }

    /// A path directly in `/build/target/release` or `/build/target/<triple>/release`, where cargo puts what it was asked for.
    private static func finalOutput(_ path: String) -> ArtifactPath? {
        guard path.hasPrefix(target), !path.utf8.contains(0) else { return nil }
        let parts = path.dropFirst(target.count).split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else { return nil }
        let isDirect = parts.count == 2 && parts[0] == "release"
        let isOfTriple = parts.count == 3 && parts[1] == "release" && parts[0] != "release"
        guard isDirect || isOfTriple, let name = parts.last else { return nil }
        return ArtifactPath(name: String(name), path: parts.joined(separator: "/"))
    }

    private func isWanted(_ name: String, _ kinds: [String]) -> Bool {
        let ending = name.split(separator: ".").dropFirst().last.map(String.init) ?? ""
        if ending == "wasm" { return kinds.contains("bin") || kinds.contains("cdylib") }
        // Of a binary cargo also names files with debugging information.
        if kinds.contains("bin") { return !["dwp", "pdb", "d", "dSYM", "js"].contains(ending) }
        if kinds.contains("cdylib"), ["so", "dylib", "dll"].contains(ending) { return true }
        return kinds.contains("staticlib") && ["a", "lib"].contains(ending)
    }

    private mutating func add(_ artifact: ArtifactPath) {
        if let present = found[artifact.name] {
            // The same path again is the same artifact: cargo names it once for each time it looks at it.
            if present.path != artifact.path { failure = failure ?? .duplicateArtifact(name: artifact.name) }
        } else if found.count < Self.artifactLimit {
            found[artifact.name] = artifact
        }
    }
}
