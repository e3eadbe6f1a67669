import KettleProvenance
package import KettleSandbox
package import SystemPackage

/// Commits of one repository that somebody wants to fetch again by a program of their own, such as cargo.
package struct GitMirrorRequest: Sendable, Hashable {
    /// Under which name a commit is looked for.
    package enum Reference: Sendable, Hashable {
        /// The remote's default branch.
        case head
        case branch(String)
        case tag(String)
        /// A commit, or any name that git resolves.
        case revision(String)
    }

    package struct Commit: Sendable, Hashable {
        package var reference: Reference
        /// 40 hexadecimal digits.
        package var id: String

        package init(reference: Reference, id: String) {
            self.reference = reference
            self.id = id
        }
    }

    package var url: String
    package var commits: [Commit]

    package init(url: String, commits: [Commit]) {
        self.url = url
        self.commits = commits
    }
}

/// A bare repository with the commits that were asked for, each under the name that it is looked for by.
package struct GitMirror: Sendable, Hashable {
    /// A commit, and what a checkout of it must be.
    package struct Commit: Sendable, Hashable {
        package var id: String
        package var tree: String
        /// Ids of the commits that submodules stand for, by path.
        package var gitlinks: [[UInt8]: [UInt8]]
    }

    package var url: String
    /// On the host.
    package var path: FilePath
    package var commits: [Commit]
}

extension GitSource {
    /// Fetches commits with their history into bare repositories, and their submodules' into others, and so on.
    ///
    /// The objects are git's, checked as it fetches them. A commit's id and tree are digested here; that the files of a
    /// checkout are the tree's is for the caller to see (``GitTree/identify(_:gitlinks:without:)``).
    ///
    /// - Parameter folder: A new folder for the repositories.
    /// - Throws: ``SourceError``, what the sandbox throws, or `CancellationError`.
    package func mirror(
        _ requests: [GitMirrorRequest], into folder: FilePath, workspace: Workspace,
        progress: @Sendable (String) async throws -> Void
    ) async throws -> [GitMirror] {
        let fetch = GitFetch(settings: settings(in: workspace), objects: folder)
        try Self.make(folder)
        let policy = fetch.settings.policy
        var pending = try requests.map { request in
            (request: request, url: try policy.check(policy.mirrored(request.url)), depth: 0)
        }
        var mirrors: [GitMirror] = []
        var count = 0
        var repositories: [String: (place: Int, git: GitCommands)] = [:]
        while !pending.isEmpty {
            let next = pending.removeFirst()
            // One repository for each URL: git takes one in the place of another by its URL alone.
            let (place, git): (Int, GitCommands)
            if let known = repositories[next.request.url] {
                (place, git) = known
            } else {
                try await progress(next.url.text)
                (place, git) = (mirrors.count, try await fetch.open(next.url, number: mirrors.count))
                repositories[next.request.url] = (place, git)
                mirrors.append(GitMirror(url: next.request.url, path: git.repository, commits: []))
            }
            for commit in next.request.commits {
                guard count < limits.submodules else {
                    throw SourceError.tooManySubmodules(limit: limits.submodules)
                }
                count += 1
                let (fetched, submodules) = try await fetch.mirror(commit, git)
                mirrors[place].commits.append(fetched)
                for (url, id) in submodules {
                    guard next.depth < limits.submoduleDepth else {
                        throw SourceError.submoduleTooDeep(path: url.text, limit: limits.submoduleDepth)
                    }
                    let wanted = GitMirrorRequest.Commit(reference: .revision(id), id: id)
                    pending.append((.init(url: url.text, commits: [wanted]), url, next.depth + 1))
                }
            }
        }
        return mirrors
    }
}

extension GitFetch {
    /// Fetches one commit and gives it its names.
    ///
    /// - Returns: The commit, and its submodules' URLs and commits.
    fileprivate func mirror(
        _ wanted: GitMirrorRequest.Commit, _ git: GitCommands
    ) async throws -> (GitMirror.Commit, submodules: [(url: GitURL, id: String)]) {
        try await fetch(wanted.id, git)
        for name in try Self.names(of: wanted) { try await git.run(["update-ref", name, wanted.id]) }
        // What a clone begins with. Any of the commits will do where the default branch was not asked for.
        let hasHead = try await !git.run(["for-each-ref", "refs/heads/kettle-head"]).isEmpty
        if wanted.reference == .head || !hasHead {
            try await git.run(["update-ref", "refs/heads/kettle-head", wanted.id])
            try await git.run(["symbolic-ref", "HEAD", "refs/heads/kettle-head"])
        }
        let notCommit = SourceError.refNotCommit(ref: wanted.id)
        let content = try await git.run(["cat-file", "commit", wanted.id], missing: notCommit)
        guard let commit = GitCommit(content: content), commit.id == wanted.id else { throw notCommit }
        let listing = try await git.run(["ls-tree", "-r", "-z", "--full-tree", wanted.id], missing: notCommit)
        var gitlinks: [[UInt8]: [UInt8]] = [:]
        let entries = try GitTreeListing.parse(listing, from: git.url.text)
        guard entries.count <= limits.entries else { throw SourceError.tooManyEntries(limit: limits.entries) }
        for entry in entries {
            _ = try SourcePath(checking: entry.path, within: limits)
            guard entry.kind == .gitlink else { continue }
            gitlinks[entry.path] = [UInt8](hexadecimal: entry.id)
        }
        let submodules =
            try await submoduleURLs(gitlinks, of: wanted.id, git).map { ($0.url, $0.commit.hexadecimal) }
        return (GitMirror.Commit(id: commit.id, tree: commit.tree, gitlinks: gitlinks), submodules)
    }

    /// With its history: a program that fetches from here would refuse what is cut off.
    private func fetch(_ commit: String, _ git: GitCommands) async throws {
        let command = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--", git.url.parts.canonical]
        do {
            try await git.run(command + [commit], missing: .commitNotFound(commit: commit))
        } catch SourceError.commitNotFound {
            // An old server gives out only what it names.
            try await git.run(command + ["+refs/heads/*:refs/kettle/heads/*", "+refs/tags/*:refs/kettle/tags/*"])
            try await git.run(
                ["cat-file", "-e", "\(commit)^{commit}"],
                failure: { _ throws(SourceError) in
                    throw .commitNotFound(commit: commit)
                })
        }
    }

    /// - Throws: ``SourceError/refInvalid(ref:)``.
    private static func names(of wanted: GitMirrorRequest.Commit) throws(SourceError) -> [String] {
        switch wanted.reference {
        case .head: return []
        case .branch(let name): return ["refs/heads/\(try GitRef(checking: name).text)"]
        case .tag(let name): return ["refs/tags/\(try GitRef(checking: name).text)"]
        case .revision(let name):
            let ref = try GitRef(checking: name)
            // What is no full id may be any kind of name.
            if ref.text.hasPrefix("refs/") { return [ref.text] }
            return ref.commit == nil ? ["refs/tags/\(ref.text)"] : ["refs/heads/kettle-\(wanted.id)"]
        }
    }
}
