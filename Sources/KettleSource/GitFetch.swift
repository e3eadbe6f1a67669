import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import NIOPosix
import SystemPackage

/// One fetch: a repository, its submodules and theirs, within limits that hold for all of them together.
struct GitFetch {
    /// Where a repository stands in the tree.
    private struct Place {
        /// Empty for the repository that was asked for.
        var path: [UInt8] = []
        /// How many repositories it lies in.
        var depth = 0

        func appending(_ path: [UInt8]) -> [UInt8] {
            self.path.isEmpty ? path : self.path + [UInt8(ascii: "/")] + path
        }
    }

    /// What has been written so far.
    private struct Written {
        var submodules: [GitCheckout.Submodule] = []
        var lfs: [LFSFile] = []
        var entries = 0
        var bytes: Int64 = 0
        var links = SourceLinks()

        mutating func add(
            _ contents: (entries: Int, bytes: Int64, links: SourceLinks), at place: Place, within limits: SourceLimits
        ) throws(SourceError) {
            entries += contents.entries
            bytes += contents.bytes
            let folders = place.path.split(separator: UInt8(ascii: "/")).map { FileName($0) }
            for link in contents.links.all {
                try links.add(
                    SourcePath(components: folders + link.path.components), target: link.target, within: limits)
            }
        }
    }

    let settings: GitCommands.Settings
    /// The folder for the repositories that git keeps.
    let objects: FilePath

    var limits: SourceLimits { settings.limits }

    func run(
        _ url: GitURL, _ ref: GitRef?, into folder: FilePath, _ progress: @Sendable (String) async -> Void
    ) async throws -> GitCheckout {
        let git = try await open(url, number: 0)
        let target = try await resolve(ref, git)
        var written = Written()
        let tree = try await check(out: target, git, into: folder, at: Place(), &written, progress)
        // Each repository's links stay inside it. Together they might not: a link through a submodule's link.
        try written.links.checkTargets(within: limits)
        return GitCheckout(
            url: url.text, ref: ref?.text, resolvedRef: target.name, commit: target.commit, tree: tree,
            submodules: written.submodules, lfs: written.lfs)
    }

    private func resolve(_ ref: GitRef?, _ git: GitCommands) async throws -> GitAdvertisement.Target {
        if let commit = ref?.commit { return .init(object: commit, commit: commit, name: commit) }
        let patterns = GitAdvertisement.patterns(for: ref)
        let listing = try await git.run(["ls-remote", "--symref", "--", git.url.parts.canonical] + patterns)
        return try GitAdvertisement(parsing: listing).target(of: ref, at: git.url.text)
    }

    // MARK: - One repository

    private func check(
        out target: GitAdvertisement.Target, _ git: GitCommands, into folder: FilePath, at place: Place,
        _ written: inout Written, _ progress: @Sendable (String) async -> Void
    ) async throws -> String {
        let notCommit = SourceError.refNotCommit(ref: target.name)
        try await git.run(
            [
                "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", git.url.parts.canonical,
                target.object,
            ], missing: .commitNotFound(commit: target.object))
        let listing = try await git.run(["ls-tree", "-r", "-z", "--full-tree", target.commit], missing: notCommit)
        let entries = try GitTreeListing.parse(listing, from: git.url.text)
        var gitlinks: [[UInt8]: [UInt8]] = [:]
        for entry in entries where entry.kind == .gitlink { gitlinks[entry.path] = [UInt8](hexadecimal: entry.id) }

        let writer = try await write(entries, of: target.commit, git, into: folder, at: place, written)
        guard let expected = writer.tree else { throw notCommit }
        let tree = try await settings.threads.runIfActive { [gitlinks] in
            try GitTree.identify(folder, gitlinks: gitlinks).sha1
        }
        guard tree == expected else { throw SourceError.treeMismatch(expected: expected, actual: tree) }
        try written.add(writer.contents, at: place, within: limits)
        let lfs = try await LFSFetch(git: git, folder: folder, commit: target.commit)
            .run(entries, within: remaining(at: place, written), total: limits, progress)
        for var file in lfs {
            written.bytes += file.size
            file.path = String(decoding: place.appending(Array(file.path.utf8)), as: UTF8.self)
            written.lfs.append(file)
        }

        if !gitlinks.isEmpty {
            try await checkOutSubmodules(gitlinks, of: target.commit, git, into: folder, at: place, &written, progress)
        }
        return tree
    }

    private func write(
        _ entries: [GitTreeListing], of commit: String, _ git: GitCommands, into folder: FilePath, at place: Place,
        _ written: Written
    ) async throws -> GitTreeWriter {
        let threads = settings.threads
        let rest = remaining(at: place, written)
        do {
            let writer = try await threads.runIfActive {
                try GitTreeWriter(entries, of: commit, from: git.url.text, into: folder, within: rest)
            }
            try await git.run(["cat-file", "--batch", "--batch-all-objects", "--unordered", "--buffer"]) { chunk in
                // The piece is valid until this returns, and this waits for the thread.
                nonisolated(unsafe) let chunk = chunk
                try await threads.runIfActive { try writer.take(chunk) }
            }
            try await threads.runIfActive { try writer.finish() }
            return writer
        } catch let error as SourceError {
            throw inWhole(error, at: place)
        }
    }

    // MARK: - Submodules

    private func checkOutSubmodules(
        _ gitlinks: [[UInt8]: [UInt8]], of commit: String, _ git: GitCommands, into folder: FilePath, at place: Place,
        _ written: inout Written, _ progress: @Sendable (String) async -> Void
    ) async throws {
        for (path, id, url) in try await submoduleURLs(gitlinks, of: commit, git) {
            let inner = Place(path: place.appending(path), depth: place.depth + 1)
            let (name, below) = (String(decoding: inner.path, as: UTF8.self), String(decoding: path, as: UTF8.self))
            guard inner.depth <= limits.submoduleDepth else {
                throw SourceError.submoduleTooDeep(path: name, limit: limits.submoduleDepth)
            }
            guard written.submodules.count < limits.submodules else {
                throw SourceError.tooManySubmodules(limit: limits.submodules)
            }
            written.submodules.append(.init(path: name, url: url.text, commit: id.hexadecimal))
            await progress("Fetching submodule \(name)")
            let repository = try await open(url, number: written.submodules.count)
            let target = GitAdvertisement.Target(object: id.hexadecimal, commit: id.hexadecimal, name: id.hexadecimal)
            _ = try await check(
                out: target, repository, into: folder.appending(FilePath(below).components), at: inner, &written,
                progress)
        }
    }

    /// Where a commit's submodules come from, sorted by path.
    func submoduleURLs(
        _ gitlinks: [[UInt8]: [UInt8]], of commit: String, _ git: GitCommands
    ) async throws -> [(path: [UInt8], commit: [UInt8], url: GitURL)] {
        guard !gitlinks.isEmpty else { return [] }
        let configuration = try await git.run(
            ["config", "--blob", "\(commit):.gitmodules", "--list", "-z"], allowFailure: true)
        let urls = GitSubmodules.urls(in: configuration)
        return try gitlinks.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }).map { path, id in
            // The statement names a submodule by its path, as text.
            guard let name = String(validating: path, as: UTF8.self) else { throw SourceError.entryNameUnreadable }
            guard let text = urls[path] else { throw SourceError.submoduleWithoutURL(path: name) }
            return (path, id, try settings.policy.check(GitSubmodules.resolve(text, against: git.url.parts)))
        }
    }

    // MARK: - Limits

    private func remaining(at place: Place, _ written: Written) -> SourceLimits {
        var rest = limits
        rest.entries -= written.entries
        rest.bytes -= written.bytes
        if !place.path.isEmpty {
            rest.depth -= place.path.split(separator: UInt8(ascii: "/")).count
            rest.pathBytes -= place.path.count + 1
        }
        return rest
    }

    /// An error about a repository, told about the whole source: with its limits, and paths from its root.
    private func inWhole(_ error: SourceError, at place: Place) -> SourceError {
        let name = { (path: String) in String(decoding: place.appending(Array(path.utf8)), as: UTF8.self) }
        return switch error {
        case .tooManyEntries: .tooManyEntries(limit: limits.entries)
        case .tooLarge: .tooLarge(limitInBytes: limits.bytes)
        case .entryTooDeep(let path, _): .entryTooDeep(path: name(path), limit: limits.depth)
        case .entryPathTooLong(let path, _): .entryPathTooLong(path: name(path), limitInBytes: limits.pathBytes)
        default: error
        }
    }

    // MARK: - Repositories

    func open(_ url: GitURL, number: Int) async throws -> GitCommands {
        let repository = objects.appending("\(number)")
        let remote = try await settings.threads.runIfActive {
            try makeRepository(at: repository)
            return try settings.policy.pin(url)
        }
        return GitCommands(settings: settings, repository: repository, url: url, remote: remote)
    }

    /// An empty bare repository, written by us so that nobody's template gets in.
    private func makeRepository(at path: FilePath) throws {
        for folder in [path, path.appending("objects"), path.appending("refs")] where mkdir(folder.string, 0o755) != 0 {
            throw SourceError.lastStorageError()
        }
        do {
            try Data("ref: refs/heads/none\n".utf8).write(to: URL(filePath: path.appending("HEAD").string))
            try Data("[core]\n\trepositoryformatversion = 0\n\tbare = true\n".utf8)
                .write(to: URL(filePath: path.appending("config").string))
        } catch {
            throw SourceError.storage(errno: EIO)
        }
        try settings.workspace.handOver(path)
    }
}
