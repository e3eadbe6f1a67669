import KettleProvenance
import KettleSource
import SystemPackage

extension [GitMirror] {
    /// A commit that was fetched, whichever repository it is in: an id names one content only.
    func commit(_ id: String) -> GitMirror.Commit? {
        for mirror in self {
            if let commit = mirror.commits.first(where: { $0.id == id }) { return commit }
        }
        return nil
    }

    /// Compares a folder with the tree of a commit, and the folders of its submodules with theirs.
    ///
    /// - Parameter names: What is no part of the tree: files that git and the package manager keep in a checkout.
    /// - Throws: ``ToolchainError/checkoutMismatch(commit:expected:actual:)``, ``ToolchainError/missingPackage(_:)`` for a
    ///   submodule that was not fetched.
    func check(
        _ folder: FilePath, is commit: GitMirror.Commit, without names: [String]
    ) throws(ToolchainError) {
        let actual = try tree(of: folder, commit, without: names)
        guard actual == commit.tree else {
            throw .checkoutMismatch(commit: commit.id, expected: commit.tree, actual: actual)
        }
        try checkSubmodules(of: commit, in: folder, without: names)
    }

    func checkSubmodules(
        of commit: GitMirror.Commit, in folder: FilePath, without names: [String]
    ) throws(ToolchainError) {
        for (path, id) in commit.gitlinks {
            guard let submodule = self.commit(id.hexadecimal) else { throw .missingPackage(id.hexadecimal) }
            let place = folder.appending(FilePath(String(decoding: path, as: UTF8.self)).components)
            try check(place, is: submodule, without: names)
        }
    }

    /// The tree that a folder is, in git's SHA-1 format.
    func tree(
        of folder: FilePath, _ commit: GitMirror.Commit, without names: [String]
    ) throws(ToolchainError) -> String {
        try GitTree.identify(folder, of: commit.id, gitlinks: commit.gitlinks, without: names).sha1
    }
}
