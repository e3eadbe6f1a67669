import Glibc
import KettleProvenance
import KettleSandbox
import NIOPosix
import SystemPackage

/// Puts the files that Git LFS keeps in the places of their pointers, each checked against its pointer's digest.
///
/// The tree of a commit has the pointers: they are what its id covers, and through their digests the files are pinned too.
/// git-lfs only downloads; like git it never touches the source's files.
struct LFSFetch {
    let git: GitCommands
    /// The files of one repository, written as its tree has them.
    let folder: FilePath
    let commit: String

    /// One pointer that `.gitattributes` gives to Git LFS.
    private struct Wanted {
        var path: String
        var pointer: LFSPointer
    }

    /// - Parameters:
    ///   - limits: What is left of them for this repository.
    ///   - total: The whole source's, for messages.
    /// - Returns: The files that were written, by their paths below ``folder``; none for most repositories.
    func run(
        _ entries: [GitTreeListing], within limits: SourceLimits, total: SourceLimits,
        _ progress: @Sendable (String) async -> Void
    ) async throws -> [LFSFile] {
        let threads = git.settings.threads
        let candidates = try await threads.runIfActive { try pointers(among: entries) }
        guard !candidates.isEmpty else { return [] }
        let wanted = try await chosenByAttributes(candidates)
        guard !wanted.isEmpty else { return [] }
        var bytes: Int64 = 0
        for file in wanted {
            let (sum, overflow) = bytes.addingReportingOverflow(file.pointer.size)
            guard !overflow, sum <= limits.bytes else { throw SourceError.tooLarge(limitInBytes: total.bytes) }
            bytes = sum
        }
        await progress("Fetching \(wanted.count) files (\(bytes) bytes) from Git LFS")
        try await git.run(
            ["lfs", "fetch", "origin", commit],
            settings: [
                "remote.origin.url=\(git.url.parts.canonical)", "lfs.url=\(serverURL)", "lfs.basictransfersonly=true",
                "lfs.standalonetransferagent=", "lfs.concurrenttransfers=4", "lfs.transfer.maxretries=3",
            ],
            // It also fails for want of a file that no attribute gives to it. What is needed is looked for below.
            failure: { text throws(SourceError) in
                if text.contains("'lfs' is not a git command") { throw .lfsNotInstalled }
            })
        return try await threads.runIfActive {
            try wanted.map { file throws(SourceError) in
                try write(file)
                return LFSFile(path: file.path, digest: file.pointer.digest, size: file.pointer.size)
            }
        }
    }

    /// Git LFS API, "Server Discovery". A `.lfsconfig` that names another server is not followed.
    private var serverURL: String {
        let url = git.url.parts.canonical
        return (url.hasSuffix(".git") ? url : url + ".git") + "/info/lfs"
    }

    // MARK: - Pointers

    private func pointers(among entries: [GitTreeListing]) throws(SourceError) -> [Wanted] {
        let attributes = entries.filter {
            $0.path.split(separator: UInt8(ascii: "/")).last.map(Array.init) == Self.name
        }
        var mentionsLFS = false
        for entry in attributes where entry.kind != .link && entry.kind != .gitlink {
            let text = try read(entry, limit: 1 << 20) ?? []
            mentionsLFS = mentionsLFS || String(decoding: text, as: UTF8.self).contains("filter=lfs")
        }
        guard mentionsLFS else { return [] }
        var wanted: [Wanted] = []
        for entry in entries where entry.kind != .link && entry.kind != .gitlink {
            guard let bytes = try read(entry, limit: LFSPointer.limitInBytes), let pointer = LFSPointer(parsing: bytes)
            else { continue }
            // The statement names the file by its path, as text.
            guard let path = String(validating: entry.path, as: UTF8.self) else { throw .entryNameUnreadable }
            wanted.append(Wanted(path: path, pointer: pointer))
        }
        return wanted
    }

    private static let name = Array(".gitattributes".utf8)

    /// A small file; nil for a larger one. Nothing but ``TreeWriter`` has written here, so no folder above is a link.
    private func read(_ entry: GitTreeListing, limit: Int) throws(SourceError) -> [UInt8]? {
        let path = FileName(Array("\(folder.string)/".utf8) + entry.path)
        let file = path.withCString { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
        guard file >= 0 else { throw .lastStorageError() }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw .lastStorageError() }
        return count > limit ? nil : Array(bytes.prefix(count))
    }

    /// git's own reading of `.gitattributes`, from an index of the commit. Elsewhere a pointer is a file like any other.
    private func chosenByAttributes(_ candidates: [Wanted]) async throws -> [Wanted] {
        try await git.run(["read-tree", commit])
        var chosen: [Wanted] = []
        var rest = candidates[...]
        while !rest.isEmpty {
            // All paths of a command together stay far below what the kernel takes.
            var bytes = 0
            let part = rest.prefix { candidate in
                bytes += candidate.path.utf8.count + 1
                return bytes <= 64 << 10
            }
            rest = rest.dropFirst(max(1, part.count))
            let output = try await git.run(["check-attr", "-z", "--cached", "filter", "--"] + part.map(\.path))
            // `<path> NUL filter NUL <value> NUL`, in the order of the paths (git-check-attr(1)).
            let fields = output.split(separator: 0, omittingEmptySubsequences: false)
            for (index, candidate) in part.enumerated() where index * 3 + 2 < fields.count {
                let isNamed = fields[index * 3].elementsEqual(candidate.path.utf8)
                if isNamed, fields[index * 3 + 2].elementsEqual("lfs".utf8) { chosen.append(candidate) }
            }
        }
        return chosen
    }

    // MARK: - Files

    private func write(_ file: Wanted) throws(SourceError) {
        let hex = file.pointer.digest.hex
        let place = "lfs/objects/\(hex.prefix(2))/\(hex.dropFirst(2).prefix(2))/\(hex)"
        let object: OpenedFile
        do {
            object = try openBeneath(root: git.repository, relative: place)
        } catch {
            throw .lfsUnavailable(url: git.url.text)
        }
        let target = open(
            folder.appending(FilePath(file.path).components).string, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC)
        guard target >= 0 else { throw .lastStorageError() }
        defer { close(target) }
        guard try copy(object.descriptor, to: target, atMost: file.pointer.size) == file.pointer.digest else {
            throw .lfsMismatch(path: file.path)
        }
        guard futimens(target, [TreeWriter.fixedTime, TreeWriter.fixedTime]) == 0 else { throw .lastStorageError() }
    }

    private func copy(_ object: CInt, to target: CInt, atMost limit: Int64) throws(SourceError) -> ContentDigest {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { block.deallocate() }
        var hasher = ContentHasher()
        var size: Int64 = 0
        while true {
            let count = Glibc.read(object, block.baseAddress, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .lastStorageError() }
            // A longer file has another digest too; there is no need to write all of it first.
            guard count > 0, size <= limit else { return hasher.finalize() }
            size += Int64(count)
            var rest = UnsafeRawBufferPointer(rebasing: block[..<count])
            hasher.update(rest)
            while !rest.isEmpty {
                let written = Glibc.write(target, rest.baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written >= 0 else { throw .lastStorageError() }
                rest = UnsafeRawBufferPointer(rebasing: rest[min(written, rest.count)...])
            }
        }
    }
}
