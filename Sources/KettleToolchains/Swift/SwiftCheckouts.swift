import Foundation
import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// The dependencies of one Swift package, checked out.
///
/// SwiftPM runs manifests while it fetches, so it has no part in the fetch. Kettle fetches the repositories, git writes out
/// the pinned commits in a sandbox without any connection, and Kettle compares each folder with its commit's tree. The build
/// then has SwiftPM's own record of what is checked out where, with the folders in their places, read-only.
struct SwiftCheckouts {
    private static let folderName = "checkouts"

    let pins: [SwiftPin]
    let layout: BuildLayout

    /// Each repository once.
    var requests: [GitMirrorRequest] {
        var requests: [GitMirrorRequest] = []
        for pin in pins {
            let commit = GitMirrorRequest.Commit(reference: .revision(pin.revision), id: pin.revision)
            if let place = requests.firstIndex(where: { $0.url == pin.location }) {
                requests[place].commits.append(commit)
            } else {
                requests.append(GitMirrorRequest(url: pin.location, commits: [commit]))
            }
        }
        return requests
    }

    // MARK: - Fetching

    /// One `git checkout` for each dependency and each of their submodules.
    func steps(with mirrors: [GitMirror]) throws(ToolchainError) -> [BuildStep] {
        guard !pins.isEmpty else { return [] }
        let checkouts = layout.dependencies.appending(Self.folderName)
        let git = GitCheckoutSteps(mirrors: mirrors, dependencies: layout.dependencies)
        var steps: [BuildStep] = []
        try Self.make(checkouts)
        for pin in pins {
            try Self.make(checkouts.appending(pin.identity))
            steps += try git.steps(
                for: pin.revision, at: "\(Self.folderName)/\(pin.identity)", called: pin.identity)
        }
        return steps
    }

    // MARK: - Verifying

    /// Compares every checkout with the tree of its commit, and writes SwiftPM's record of them.
    ///
    /// - Throws: ``ToolchainError/checkoutMismatch(commit:expected:actual:)``, ``ToolchainError/missingPackage(_:)``.
    func verify(with mirrors: [GitMirror]) throws(ToolchainError) -> [ResourceDescriptor] {
        let folder = layout.dependencies.appending(Self.folderName)
        let descriptors = try inParallel(pins) { pin throws(ToolchainError) in
            guard let commit = mirrors.commit(pin.revision) else { throw .missingPackage(pin.identity) }
            try mirrors.check(folder.appending(pin.identity), is: commit, without: [])
            return ResourceDescriptor(
                uri: pin.packageURL, digest: ["gitCommit": commit.id, "gitTree": commit.tree])
        }
        let file = layout.target.appending("workspace-state.json")
        let bytes = workspaceState.canonicalBytes()
        guard (try? Data(bytes).write(to: URL(fileURLWithPath: file.string))) != nil, chmod(file.string, 0o644) == 0
        else {
            throw .storageFailed(reason: "the state of the workspace cannot be written")
        }
        return descriptors
    }

    /// Read-only, where the record says that they are.
    var mounts: [SandboxMount] {
        pins.map {
            .readOnly(
                layout.dependencies.appending(Self.folderName).appending($0.identity),
                at: "\(SwiftPlan.scratch)/\(Self.folderName)/\($0.identity)")
        }
    }

    /// SwiftPM's record (`WorkspaceStateStorage`, version 6), which Swift 5.9 and later read.
    private var workspaceState: JSONValue {
        let dependencies = pins.map { pin -> JSONValue in
            var state: [String: JSONValue] = ["revision": .string(pin.revision)]
            state["version"] = pin.version.map(JSONValue.string)
            state["branch"] = pin.branch.map(JSONValue.string)
            let package: JSONValue = [
                "identity": .string(pin.identity), "kind": "remoteSourceControl", "location": .string(pin.location),
                "name": .string(pin.identity),
            ]
            return [
                "basedOn": .null, "packageRef": package,
                "state": ["name": "sourceControlCheckout", "checkoutState": .object(state)],
                "subpath": .string(pin.identity),
            ]
        }
        return ["object": ["artifacts": [], "dependencies": .array(dependencies)], "version": 6]
    }

    private static func make(_ folder: FilePath) throws(ToolchainError) {
        guard mkdir(folder.string, 0o700) == 0 else {
            throw .storageFailed(reason: String(cString: strerror(errno)))
        }
    }
}
