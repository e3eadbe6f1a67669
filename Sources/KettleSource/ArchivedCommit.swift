import Crypto
import Foundation
import Glibc
import KettleLauncher
import KettleProvenance
package import KettleSandbox
import NIOPosix
import Synchronization
import SystemPackage

/// A commit that its own bytes were read of: its id is their digest, and its tree is what they say.
package struct GitCommit: Sendable, Hashable {
    /// 40 or 64 hexadecimal digits, by the repository's object format.
    package var id: String
    /// As many digits.
    package var tree: String

    /// - Parameter content: The commit object without its header. Its first line is `tree <id>` (git-commit-tree(1)).
    init?(content: [UInt8]) {
        let line = content.prefix { $0 != UInt8(ascii: "\n") }
        guard line.starts(with: "tree ".utf8) else { return nil }
        tree = String(decoding: line.dropFirst(5), as: UTF8.self)
        guard let name = [UInt8](hexadecimal: tree) else { return nil }
        let object = Array("commit \(content.count)\0".utf8) + content
        switch name.count {
        case Insecure.SHA1.byteCount: id = Array(Insecure.SHA1.hash(data: object)).hexadecimal
        case SHA256.byteCount: id = Array(SHA256.hash(data: object)).hexadecimal
        default: return nil
        }
    }
}

extension GitSource {
    /// Reading one object takes no time, unless somebody packed it to take long.
    private static let timeout = Duration.seconds(60)
    /// Longer messages are not worth an upload's time.
    private static let commitLimitInBytes = 1 << 20

    /// The commit that an uploaded repository has checked out.
    ///
    /// git reads the objects confined, with a configuration of ours and without network. What it prints is believed for its
    /// form alone: whoever made the archive can make a commit too, so it means something only when its tree is that of the
    /// files.
    ///
    /// - Returns: nil when there is no such commit, or git cannot read the repository.
    /// - Throws: What the sandbox throws, or `CancellationError`.
    package func headCommit(of repository: ArchivedRepository, in workspace: Workspace) async throws -> GitCommit? {
        for format in ["sha1", "sha256"] {
            try await threads.runIfActive {
                try Self.configure(repository.path, objectFormat: format)
                try workspace.handOver(repository.path)
            }
            if let commit = try await readHead(of: repository, in: workspace) { return commit }
        }
        return nil
    }

    private func readHead(of repository: ArchivedRepository, in workspace: Workspace) async throws -> GitCommit? {
        let content = Mutex<[UInt8]>([])
        var limits = commandLimits
        limits.wallClock = min(limits.wallClock, Self.timeout)
        let end: CommandEnd
        do {
            end = try await sandbox.run(
                GitCommands.reading(repository.path, ["cat-file", "commit", "HEAD"], limits: limits),
                in: workspace
            ) { stream, chunk in
                guard stream == .stdout else { return }
                // One byte too many tells that there was more.
                content.withLock { $0 += chunk.prefix(Self.commitLimitInBytes + 1 - $0.count) }
            }
        } catch SandboxError.limitExceeded {
            return nil
        }
        let bytes = content.withLock { $0 }
        guard end.succeeded, bytes.count <= Self.commitLimitInBytes else { return nil }
        return GitCommit(content: bytes)
    }

    /// Makes the copy a bare repository. Without `refs` and `objects` git takes it for none.
    private static func configure(_ repository: FilePath, objectFormat: String) throws {
        let text = """
            [core]
            \trepositoryformatversion = 1
            \tbare = true
            [extensions]
            \tobjectformat = \(objectFormat)

            """
        do {
            for name in ["refs", "objects"] {
                try FileManager.default.createDirectory(
                    atPath: repository.appending(name).string, withIntermediateDirectories: true)
            }
            try Data(text.utf8).write(to: URL(filePath: repository.appending("config").string))
        } catch {
            throw SourceError.storage(errno: EIO)
        }
    }
}
