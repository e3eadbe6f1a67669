import Glibc
package import KettleLauncher
package import KettleSandbox
package import NIOPosix
package import SystemPackage

/// What a fetch brought: which commit, and the tree that was written.
package struct GitCheckout: Sendable, Hashable {
    /// A submodule as it was written: where in the tree, from where, and which commit.
    package struct Submodule: Sendable, Hashable {
        package var path: String
        package var url: String
        package var commit: String
    }

    package var url: String
    package var ref: String?
    /// The full name of the branch or tag, or the commit id itself.
    package var resolvedRef: String
    package var commit: String
    package var tree: String
    package var submodules: [Submodule]
    /// The files that stand where the tree has pointers of Git LFS.
    package var lfs: [LFSFile] = []
}

/// Fetches a commit over HTTP and writes its files.
///
/// git talks to the remote and keeps the objects, inside the sandbox, with a configuration of ours alone. It never checks
/// anything out: the blobs go through ``TreeWriter`` as they are, so no filter, hook, attribute or line-end rule of the
/// repository runs, and the tree id of what was written must be the commit's.
package struct GitSource: Sendable {
    let sandbox: Sandbox
    /// Which places may be asked.
    package let policy: URLPolicy
    let threads: NIOThreadPool
    let limits: SourceLimits
    let commandLimits: SandboxLimits
    private let timeout: Duration

    /// - Parameters:
    ///   - threads: For work that blocks: names, hashing, the disk.
    ///   - timeout: For a repository and its submodules together.
    package init(
        sandbox: Sandbox, policy: URLPolicy, threads: NIOThreadPool, limits: SourceLimits = .standard,
        commandLimits: SandboxLimits = SandboxLimits(), timeout: Duration = .seconds(600)
    ) {
        self.sandbox = sandbox
        self.policy = policy
        self.threads = threads
        self.limits = limits
        self.commandLimits = commandLimits
        self.timeout = timeout
    }

    /// - Parameters:
    ///   - ref: A branch, a tag or a full commit id; nil for the remote's default branch.
    ///   - folder: Where the files go; nothing is there yet, and nothing is there after an error.
    ///   - workspace: Keeps git's objects meanwhile, in a folder `git`.
    /// - Throws: ``SourceError``, what the sandbox throws, or `CancellationError`.
    package func fetch(
        _ url: GitURL, ref: GitRef?, into folder: FilePath, workspace: Workspace,
        progress: @Sendable (String) async -> Void
    ) async throws -> GitCheckout {
        let objects = workspace.path.appending("git")
        let fetch = GitFetch(settings: settings(in: workspace), objects: objects)
        try Self.make(folder)
        do {
            try Self.make(objects)
            let checkout = try await fetch.run(url, ref, into: folder, progress)
            await remove(objects)
            return checkout
        } catch {
            await remove(objects)
            await remove(folder)
            throw error
        }
    }

    /// For commands that share one deadline.
    func settings(in workspace: Workspace) -> GitCommands.Settings {
        .init(
            sandbox: sandbox, workspace: workspace, threads: threads, policy: policy, limits: limits,
            commandLimits: commandLimits, timeout: timeout, deadline: .now + timeout)
    }

    static func make(_ folder: FilePath) throws(SourceError) {
        guard mkdir(folder.string, 0o755) == 0 else { throw .lastStorageError() }
    }

    /// Removes a folder also when the task is cancelled, which would keep the pool from taking the work.
    private func remove(_ folder: FilePath) async {
        await Task { [threads] in
            _ = try? await threads.runIfActive { Workspace(path: folder, uid: nil).remove() }
        }.value
    }
}
