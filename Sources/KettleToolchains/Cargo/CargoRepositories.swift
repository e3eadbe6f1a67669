import Foundation
import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// The git dependencies of one project.
///
/// Kettle fetches their repositories and digests the commits. cargo then fetches from those, in the fetch step and without
/// anybody's server, into the form that it wants; and each of its checkouts is compared with its commit's tree before a
/// build sees it.
struct CargoRepositories {
    /// cargo's folder of repositories and checkouts below its home.
    static let folderName = "git"
    private static let mountPoint = "/build/repositories"

    /// A git source of the lockfile: `git+<url>?branch=<name>#<commit>` (The Cargo Book, "Package ID Specifications").
    struct Source: Hashable {
        var url: String
        var reference: GitMirrorRequest.Reference

        init(_ text: String) {
            let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            url = String(parts[0])
            reference = .head
            guard parts.count == 2 else { return }
            let pair = parts[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { return }
            let value = String(pair[1])
            let name = value.removingPercentEncoding ?? value
            switch pair[0] {
            case "branch": reference = .branch(name)
            case "tag": reference = .tag(name)
            case "rev": reference = .revision(name)
            default: break
            }
        }
    }

    /// What is to be fetched, each repository once.
    static func requests(for packages: [LockedPackage]) -> [GitMirrorRequest] {
        var requests: [GitMirrorRequest] = []
        var places: [String: Int] = [:]
        var seen: Set<GitMirrorRequest> = []
        for package in packages {
            guard case .git(let text, let commit) = package.origin else { continue }
            let source = Source(text)
            let wanted = GitMirrorRequest.Commit(reference: source.reference, id: commit)
            guard seen.insert(GitMirrorRequest(url: source.url, commits: [wanted])).inserted else { continue }
            if let place = places[source.url] {
                requests[place].commits.append(wanted)
            } else {
                places[source.url] = requests.count
                requests.append(GitMirrorRequest(url: source.url, commits: [wanted]))
            }
        }
        return requests
    }

    let mirrors: [GitMirror]

    // MARK: - Fetching

    var mounts: [SandboxMount] {
        mirrors.indices.map { .readOnly(mirrors[$0].path, at: "\(Self.mountPoint)/\($0)") }
    }

    /// Has git take Kettle's repositories for the ones that the lockfile names (git-config(1), `url.<base>.insteadOf`).
    var environment: [String: String] {
        var settings = [
            ("protocol.allow", "never"), ("protocol.file.allow", "always"),
            // They belong to another user than the one who reads them.
            ("safe.directory", "*"),
        ]
        for (index, mirror) in mirrors.enumerated() {
            settings.append(("url.file://\(Self.mountPoint)/\(index).insteadOf", mirror.url))
        }
        var environment = [
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "\(settings.count)",
        ]
        for (index, setting) in settings.enumerated() {
            environment["GIT_CONFIG_KEY_\(index)"] = setting.0
            environment["GIT_CONFIG_VALUE_\(index)"] = setting.1
        }
        return environment
    }

    // MARK: - Verifying

    /// Compares every checkout that cargo left with the tree of its commit.
    ///
    /// - Throws: ``ToolchainError/checkoutMismatch(commit:expected:actual:)``, ``ToolchainError/missingPackage(_:)``,
    ///   ``ToolchainError/unexpectedPackage(file:)``.
    func check(_ packages: [LockedPackage], in dependencies: FilePath) throws(ToolchainError) {
        let root = UnpackedSource(root: dependencies)
        let checkouts = "\(Self.folderName)/checkouts"
        var places: [(commit: String, path: String)] = []
        for repository in (try? root.entries(of: checkouts)) ?? [] where repository.isFolder {
            for checkout in try root.entries(of: "\(checkouts)/\(repository.name)") where checkout.isFolder {
                places.append((checkout.name, "\(checkouts)/\(repository.name)/\(checkout.name)"))
            }
        }
        let commits = Set(
            try inParallel(places) { place throws(ToolchainError) in
                try check(commitNamed: place.commit, dependencies.appending(FilePath(place.path).components))
            })
        for package in packages {
            guard case .git(_, let commit) = package.origin else { continue }
            guard commits.contains(commit) else { throw .missingPackage(package.spec) }
        }
    }

    /// - Parameter prefix: cargo names a checkout by the first digits of its commit.
    /// - Returns: The commit.
    private func check(commitNamed prefix: String, _ folder: FilePath) throws(ToolchainError) -> String {
        let candidates = mirrors.flatMap(\.commits).filter { $0.id.hasPrefix(prefix) }
        guard prefix.utf8.count >= 7, let first = candidates.first else { throw .unexpectedPackage(file: prefix) }
        // What cargo and git keep in a checkout. cargo marks one that is complete.
        let besides = [".git", ".cargo-ok"]
        var actual = ""
        for commit in candidates {
            actual = try mirrors.tree(of: folder, commit, without: besides)
            if actual == commit.tree {
                try mirrors.checkSubmodules(of: commit, in: folder, without: besides)
                return commit.id
            }
        }
        throw .checkoutMismatch(commit: first.id, expected: first.tree, actual: actual)
    }

    /// The tree of a commit that was fetched.
    func tree(of commit: String) -> String? { mirrors.commit(commit)?.tree }
}
