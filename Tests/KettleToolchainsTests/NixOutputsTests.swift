import KettleSandbox
import Testing

@testable import KettleToolchains

@Suite struct NixOutputsTests {
    private static let hash = String(repeating: "0", count: 32)

    /// - Returns: What is shown.
    private func read(_ reader: inout NixOutputs, _ line: String, from stream: OutputStream = .stdout) -> String? {
        Array(line.utf8).withUnsafeBytes { reader.read(line: $0, from: stream) }
    }

    private func line(_ path: String) -> String { #"[{"drvPath":"x","outputs":{"out":"\#(path)"}}]"# }

    @Test func `every output is known by its name, once`() throws {
        var reader = NixOutputs()
        #expect(read(&reader, "/nix/store/added") == "/nix/store/added")
        #expect(read(&reader, line("/nix/store/\(Self.hash)-tool-1.0")) == nil)
        #expect(read(&reader, line("/nix/store/\(Self.hash)-tool-1.0")) == nil)
        #expect(
            try reader.artifacts() == [ArtifactPath(name: "tool-1.0", path: "nix/store/\(Self.hash)-tool-1.0")])
        #expect(read(&reader, line("/etc/passwd"), from: .stderr) == line("/etc/passwd"))
    }

    @Test(arguments: [
        "/etc/passwd", "/nix/store/short-x", "/nix/store/00000000000000000000000000000000-",
        "/nix/store/00000000000000000000000000000000-a/b", "/nix/store/../store/000000000000000000000-a",
        "/nix/store/00000000000000000000000000000000-a b", "/nix/store/0000000000000000000000000000000.-a",
    ]) func `what is no store path is an error`(path: String) {
        var reader = NixOutputs()
        #expect(read(&reader, line(path)) == nil)
        #expect(throws: ToolchainError.unreadableMessage) { try reader.artifacts() }
    }

    @Test func `a line that is cut off is an error`() {
        var reader = NixOutputs()
        #expect(read(&reader, "[{\"drvPath\":") == nil)
        #expect(throws: ToolchainError.unreadableMessage) { try reader.artifacts() }
    }
}
