import Foundation
import Glibc
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

@testable import KettleToolchains

@Suite struct NixArchiveTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    /// Files of every kind that an archive has.
    private func tree() throws -> FilePath {
        let folder = try scratch.write(
            [
                "empty": "", "seven": "1234567", "eight": "12345678", "a/b/c": "deep", "a-": "before a/", "a.b": "x",
                "Z": "capitals first", "é": "not ASCII", "large": String(repeating: "line\n", count: 200_000),
            ], to: "tree")
        for (name, mode) in [("seven", 0o755), ("eight", 0o644), ("large", 0o611)] {
            #expect(chmod(folder.appending(name).string, mode_t(mode)) == 0)
        }
        #expect(symlink("../anywhere", folder.appending("link").string) == 0)
        #expect(mkdir(folder.appending("nothing").string, 0o755) == 0)
        return folder
    }

    @Test func `one file is the archive that its description says`() throws {
        let folder = try scratch.write(["file": "hello"], to: "one")
        func text(_ text: String) -> [UInt8] {
            let bytes = Array(text.utf8)
            return [UInt8(bytes.count)] + [UInt8](repeating: 0, count: 7) + bytes
                + [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
        }
        let expected = ["nix-archive-1", "(", "type", "regular", "contents", "hello", ")"].flatMap(text)
        #expect(try NixArchive.hash(folder.appending("file")) == ContentDigest(of: expected))
        let written = scratch.path.appending("one.nar")
        try NixArchive.write(folder.appending("file"), to: written, limitInBytes: 1000)
        #expect(try Array(Data(contentsOf: URL(filePath: written.string))) == expected)
    }

    @Test(.enabled(if: Command.isInstalled("nix-hash"), "nix is not installed"))
    func `Nix gives the same hash, and the same archive`() async throws {
        let folder = try tree()
        // It wants a place for its state even where it only reads.
        let state = ["NIX_STATE_DIR=\(scratch.path.appending("state"))", "NIX_LOG_DIR=\(scratch.path)"]
        let hash = try await Command.run(
            "env", state + ["nix-hash", "--type", "sha256", folder.string])
        #expect(hash.status == 0, "\(hash.everything)")
        let digest = try NixArchive.hash(folder)
        #expect(hash.output.trimmingCharacters(in: .whitespacesAndNewlines) == digest.hex)
        let written = scratch.path.appending("tree.nar")
        try NixArchive.write(folder, to: written, limitInBytes: 10 << 20)
        #expect(ContentDigest(of: try Data(contentsOf: URL(filePath: written.string))) == digest)
    }

    @Test func `every change of a file gives another hash`() throws {
        let folder = try tree()
        var seen = Set([try NixArchive.hash(folder)])
        try scratch.write(["tree/seven": "1234568"], to: "")
        #expect(seen.insert(try NixArchive.hash(folder)).inserted)
        #expect(chmod(folder.appending("seven").string, 0o644) == 0)
        #expect(seen.insert(try NixArchive.hash(folder)).inserted)
        #expect(rename(folder.appending("eight").string, folder.appending("ate").string) == 0)
        #expect(seen.insert(try NixArchive.hash(folder)).inserted)
        #expect(unlink(folder.appending("link").string) == 0)
        #expect(symlink("../anywherf", folder.appending("link").string) == 0)
        #expect(seen.insert(try NixArchive.hash(folder)).inserted)
        #expect(rmdir(folder.appending("nothing").string) == 0)
        #expect(seen.insert(try NixArchive.hash(folder)).inserted)
    }

    @Test func `a pipe is refused, and a file with a hole does not fill the disk`() throws {
        let folder = try scratch.write(["a": "b"], to: "odd")
        let hole = open(folder.appending("hole").string, O_WRONLY | O_CREAT, 0o644)
        #expect(ftruncate(hole, 1 << 40) == 0)
        close(hole)
        #expect(throws: ToolchainError.unusablePackage(package: "the archive", reason: "it is too large")) {
            try NixArchive.write(folder, to: scratch.path.appending("odd.nar"), limitInBytes: 1 << 20)
        }
        #expect(unlink(folder.appending("hole").string) == 0)
        #expect(mkfifo(folder.appending("pipe").string, 0o644) == 0)
        #expect { try NixArchive.hash(folder) } throws: {
            ($0 as? ToolchainError)?.code == "toolchain.unusable_package"
        }
    }
}
