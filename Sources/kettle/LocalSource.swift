import Foundation
import Glibc
import KettleBuild
import KettleProvenance
import KettleSource
import Subprocess
import SystemPackage

/// A project of this machine, as the archive that a service would have been sent.
struct LocalSource {
    /// Open, and stays so for as long as this command runs.
    let descriptor: CInt
    let name: String
    let digest: ContentDigest
    let size: Int64
    /// What the sender should know of a folder that git knows: that it is not what was committed.
    private(set) var difference: String?

    var archive: UploadedArchive { .open(descriptor) }

    /// An archive as it is, or a folder, packed: what git sees of it, tracked or not and not ignored, or all of it where
    /// there is no git.
    ///
    /// - Parameter scratch: Where a packed folder goes.
    static func open(_ path: String, packingInto scratch: FilePath) async throws -> LocalSource {
        var status = stat()
        guard stat(path, &status) == 0, let resolved = realpath(path, nil) else {
            throw LocalSourceError.missing(path)
        }
        defer { free(resolved) }
        let place = FilePath(String(cString: resolved))
        let name = place.lastComponent?.string ?? "source"
        switch status.st_mode & S_IFMT {
        case S_IFREG: return try LocalSource(file: place, name: name)
        case S_IFDIR:
            let (paths, commit) = try await seen(of: place)
            let packed = scratch.appending("source.tar.gz")
            let files = try SourcePacking.pack(place, paths, commit: commit, into: packed)
            var source = try LocalSource(file: packed, name: "\(name).tar.gz")
            source.difference = try await difference(of: files, in: place)
            return source
        default: throw LocalSourceError.missing(path)
        }
    }

    private init(file: FilePath, name: String) throws {
        descriptor = Glibc.open(file.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LocalSourceError.missing(name) }
        self.name = name
        digest = try ContentDigest.ofFile(descriptor: descriptor)
        size = Int64(lseek(descriptor, 0, SEEK_END))
    }

    // MARK: - What git sees

    private static func seen(of folder: FilePath) async throws -> (paths: [[UInt8]], commit: [UInt8]?) {
        guard let listed = try await list(folder) else { return (try SourcePacking.files(below: folder), nil) }
        let isTop = try await git(["rev-parse", "--show-prefix"], in: folder) == Array("\n".utf8)
        return (listed, isTop ? try await git(["cat-file", "commit", "HEAD"], in: folder) : nil)
    }

    /// How many files are not as they were committed, for people; nil where all are, or nothing was committed.
    ///
    /// By their content, which was digested here: git would run the filters that a repository names, and its index may be stale.
    private static func difference(of files: [GitTreeListing], in folder: FilePath) async throws -> String? {
        guard let listing = try await git(["ls-tree", "-r", "-z", "HEAD"], in: folder),
            let committed = try? GitTreeListing.parse(listing, from: ""),
            let head = try await git(["rev-parse", "--short", "HEAD"], in: folder)
        else { return nil }
        var there = Dictionary(files.map { ($0.path, $0) }) { $1 }
        var changed = 0
        var looks = 100
        for entry in committed {
            if entry.kind == .gitlink {
                // Another repository, with commits of its own.
                there = there.filter { !$0.key.starts(with: entry.path + [UInt8(ascii: "/")]) }
                continue
            }
            let file = there.removeValue(forKey: entry.path)
            guard file != entry else { continue }
            if file != nil, looks > 0 {
                looks -= 1
                // A pointer of Git LFS stands for the file.
                let blob = try await git(["cat-file", "blob", entry.id], in: folder)
                if blob?.starts(with: Array("version https://git-lfs.github.com/spec/v1\n".utf8)) == true { continue }
            }
            changed += 1
        }
        changed += there.count
        guard changed > 0 else { return nil }
        let commit = String(decoding: head, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return "\(changed == 1 ? "1 file is" : "\(changed) files are") not as in commit \(commit)"
    }

    /// Files that are tracked, or neither tracked nor ignored; nil where git knows of no repository.
    private static func list(_ folder: FilePath) async throws -> [[UInt8]]? {
        let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        guard let output = try await git(arguments, in: folder) else { return nil }
        var paths: Set<[UInt8]> = []
        for path in output.split(separator: 0).map(Array.init) {
            var status = stat()
            // A name that is no text is no submodule of ours either.
            let place = folder.appending(FilePath(String(decoding: path, as: UTF8.self)).components)
            let isFolder = lstat(place.string, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            guard isFolder else {
                paths.insert(path)
                continue
            }
            // A submodule, or a repository inside the repository.
            for below in try await list(place) ?? [] { paths.insert(path.trimmed + [UInt8(ascii: "/")] + below) }
        }
        return Array(paths)
    }

    /// Nothing that a repository's configuration names is run, and no object is fetched: it may have come from anyone.
    private static let settings = ["core.fsmonitor=false", "core.hooksPath=/dev/null"].flatMap { ["-c", $0] }
    /// No protocol at all, whatever the repository's configuration allows (git(1)); later versions do not even try.
    private static let environment: [Environment.Key: String?] = [
        "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1",
    ]

    /// What git prints; nil when it fails, as where there is no repository.
    private static func git(_ arguments: [String], in folder: FilePath) async throws -> [UInt8]? {
        let result = try? await run(
            .name("git"), arguments: Arguments(settings + arguments), environment: .inherit.updating(environment),
            workingDirectory: folder,
            output: .bytes(limit: 256 << 20),
            error: .discarded)
        guard let result, result.terminationStatus.isSuccess else { return nil }
        return result.standardOutput
    }
}

extension [UInt8] {
    /// Without slashes at the end.
    fileprivate var trimmed: [UInt8] { last == UInt8(ascii: "/") ? Array(dropLast()).trimmed : self }
}
