import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// The inputs of one flake, fetched and compared.
///
/// Nix runs the flake's code to learn what to fetch, so it has no part in the fetch: Kettle reads the lockfile. Archives are
/// fetched by curl and unpacked by Kettle, commits fetched by Kettle and written out by git. Each is hashed as a Nix archive and
/// must have the lockfile's `narHash`; then it stands read-only before the build, where Nix takes it into its store.
struct FlakeInputs {
    private static let mountPoint = "/build/inputs"
    private static let checkouts = "checkouts"
    private static let limits = SourceLimits(entries: 1_000_000, bytes: 16 << 30)

    let inputs: [FlakeInput]
    let layout: BuildLayout
    let configuration: NixConfiguration

    /// Each with its number, by which files are named: an input's own name is anybody's text.
    private var numbered: [(number: Int, input: FlakeInput)] {
        inputs.enumerated().map { (number: $0.offset, input: $0.element) }
    }

    var requests: [GitMirrorRequest] {
        var requests: [GitMirrorRequest] = []
        for input in inputs {
            guard case .git(let url, let revision, _) = input.origin else { continue }
            let commit = GitMirrorRequest.Commit(reference: .revision(revision), id: revision)
            if let place = requests.firstIndex(where: { $0.url == url }) {
                requests[place].commits.append(commit)
            } else {
                requests.append(GitMirrorRequest(url: url, commits: [commit]))
            }
        }
        return requests
    }

    // MARK: - Fetching

    func steps(with mirrors: [GitMirror]) throws(ToolchainError) -> [BuildStep] {
        let forge = try configuration.forge()
        let git = GitCheckoutSteps(mirrors: mirrors, dependencies: layout.dependencies)
        // Apart from one another, so that no URL of a project's leads to the operator's mirror.
        var archives = Downloads(files: [], endpoints: forge.endpoints, listName: "forge.conf")
        var tarballs = Downloads(files: [], endpoints: [])
        var steps: [BuildStep] = []
        for (number, input) in numbered {
            switch input.origin {
            case .source: break
            case .github(let owner, let repository, let revision):
                archives.files.append(
                    .init(
                        url: "\(forge.base)\(owner)/\(repository)/archive/\(revision).tar.gz", name: "archive-\(number)"
                    ))
            case .tarball(let url):
                guard let host = try configuration.publicHost(of: url) else {
                    throw .unsupportedSource(package: input.name, source: url)
                }
                tarballs.files.append(.init(url: url, name: "archive-\(number)"))
                tarballs.endpoints.append(RegistryURL.public(host))
            case .git(_, let revision, let submodules):
                let folder = layout.dependencies.appending(Self.checkouts)
                if access(folder.string, F_OK) != 0 { try Self.make(folder, 0o700) }
                try Self.make(folder.appending("\(number)"), 0o700)
                steps += try git.steps(
                    for: revision, at: "\(Self.checkouts)/\(number)", called: input.name, submodules: submodules)
            }
        }
        var seen: Set<EgressEndpoint> = []
        tarballs.endpoints = tarballs.endpoints.filter { seen.insert($0).inserted }
        return try archives.steps(in: layout) + tarballs.steps(in: layout) + steps
    }

    // MARK: - Verifying

    /// Where the inputs stand for the build, on the host. None has its name from the lockfile; `source` is what Nix calls them.
    private var folder: FilePath { layout.inputs.appending("flake") }

    /// - Throws: ``ToolchainError/checksumMismatch(package:expected:actual:)``,
    ///   ``ToolchainError/checkoutMismatch(commit:expected:actual:)``, ``ToolchainError/missingPackage(_:)``.
    /// - Returns: Each with its place among the inputs.
    func verify(with mirrors: [GitMirror]) throws(ToolchainError) -> [(index: Int, descriptor: ResourceDescriptor)] {
        try Self.make(folder, 0o755)
        return try inParallel(Array(inputs.enumerated().map { ($0.offset, $0.element) })) {
            item throws(ToolchainError) in
            try verify(item.1, number: item.0, mirrors).map { (item.0, $0) }
        }.compactMap { $0 }
    }

    private func verify(
        _ input: FlakeInput, number: Int, _ mirrors: [GitMirror]
    ) throws(ToolchainError) -> ResourceDescriptor? {
        guard let expected = input.narHash else { return nil }
        let files: FilePath
        var digest = ["sha256": expected.hex]
        switch input.origin {
        case .source: return nil
        case .github, .tarball: files = try unpack(input, number)
        case .git(_, let revision, let submodules):
            guard var commit = mirrors.commit(revision) else { throw .missingPackage(input.name) }
            files = layout.dependencies.appending(Self.checkouts).appending("\(number)")
            (digest["gitCommit"], digest["gitTree"]) = (commit.id, commit.tree)
            let actual = try mirrors.tree(of: files, commit, without: [])
            guard actual == commit.tree else {
                throw .checkoutMismatch(commit: commit.id, expected: commit.tree, actual: actual)
            }
            if !submodules { commit.gitlinks = [:] }
            try mirrors.checkSubmodules(of: commit, in: files, without: [])
        }
        let actual = try NixArchive.hash(files)
        guard actual == expected else {
            throw .checksumMismatch(package: input.name, expected: expected.hex, actual: actual.hex)
        }
        return ResourceDescriptor(
            uri: input.packageURL, digest: digest,
            annotations: [
                "form": "the SHA-256 is of the files as a Nix archive (narHash)", "input": .string(input.name),
            ])
    }

    private func unpack(_ input: FlakeInput, _ number: Int) throws(ToolchainError) -> FilePath {
        let archive: OpenedFile
        do {
            archive = try openBeneath(root: layout.dependencies, relative: "archive-\(number)")
        } catch {
            throw .missingPackage(input.name)
        }
        let unpacked = folder.appending("\(number)")
        do throws(SourceError) {
            _ = try ArchiveSource.unpack(.open(archive.descriptor), into: unpacked, within: Self.limits)
        } catch {
            if error.isKettlesFault { throw .storageFailed(reason: error.message) }
            throw .unusablePackage(package: input.name, reason: error.message)
        }
        let entries = try UnpackedSource(root: unpacked).entries(of: "")
        guard entries.count == 1, let only = entries.first, only.isFolder else {
            throw .unusablePackage(package: input.name, reason: "it is not one folder")
        }
        // Nix knows them by this name, and would look for any other under another hash.
        let files = unpacked.appending("source")
        guard only.name == "source" || rename(unpacked.appending(only.name).string, files.string) == 0,
            chmod(unpacked.string, 0o755) == 0
        else { throw .storageFailed(reason: String(cString: strerror(errno))) }
        return files
    }

    // MARK: - Building

    /// Read-only, and where each stands inside.
    var mounts: [(mount: SandboxMount, path: String)] {
        numbered.compactMap { number, input in
            let path = "\(Self.mountPoint)/\(number)/source"
            switch input.origin {
            case .github, .tarball:
                return (.readOnly(folder.appending("\(number)").appending("source"), at: path), path)
            case .git:
                return (.readOnly(layout.dependencies.appending(Self.checkouts).appending("\(number)"), at: path), path)
            case .source: return nil
            }
        }
    }

    private static func make(_ folder: FilePath, _ mode: mode_t) throws(ToolchainError) {
        guard mkdir(folder.string, mode) == 0, chmod(folder.string, mode) == 0 else {
            throw .storageFailed(reason: String(cString: strerror(errno)))
        }
    }
}

extension FlakeInput {
    /// `pkg:github/owner/name@commit`, or by where it comes from.
    package var packageURL: String {
        switch origin {
        case .github(let owner, let repository, let revision):
            // "pkg:github": owner and name are not case sensitive and written in lower case.
            PackageURL(
                type: "github", namespace: owner.lowercased(), name: repository.lowercased(), version: revision
            ).text
        case .git(let url, let revision, _):
            PackageURL(
                type: "generic", name: name, version: revision, qualifiers: ["vcs_url": "git+\(url)@\(revision)"]
            )
            .text
        case .tarball(let url):
            PackageURL(type: "generic", name: name, qualifiers: ["download_url": url]).text
        case .source(let path):
            PackageURL(type: "generic", name: name, subpath: path).text
        }
    }
}
