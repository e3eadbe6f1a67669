import KettleProvenance
import KettleSource

extension CargoPlan {
    func verifyInputs(
        of source: SourceOrigin, with mirrors: [GitMirror]
    ) throws(ToolchainError) -> VerifiedInputs {
        let inputs = try inputs()
        // By place in the lockfile; the project's own packages may stand in several folders, or in the one that is built.
        var seen = try PathPackageDescriptors(packages, inputs, layout).describe(in: source)
        let locked = packages.indices.filter { packages[$0].origin != .source }
        switch inputs.supply {
        case .none: break
        case .vendored(let crates, let owner):
            seen += try inParallel(locked) { index throws(ToolchainError) in
                let package = packages[index]
                return (index, package.descriptor(try crates.check(package), vendoredBy: owner))
            }
        case .fetched:
            let store = cargo.crates(of: layout)
            try FetchedCrates(packages).copy(from: layout.dependencies, to: store)
            try CrateFolder.make(of: packages, from: store, in: layout)
            let repositories = CargoRepositories(mirrors: mirrors)
            try repositories.check(packages, in: layout.dependencies)
            seen += locked.map { ($0, packages[$0].descriptor(in: repositories)) }
        }
        let uris = Dictionary(seen.map { ($0.index, $0.descriptor.uri ?? "") }) { first, _ in first }
        var graph: [String: [String]] = [:]
        for (index, package) in packages.enumerated() {
            graph[uris[index] ?? "", default: []] += package.dependencies.compactMap { uris[$0] }
        }
        // One commit under two names, as a tag and as a revision, is one package.
        return VerifiedInputs(sorting: seen.map(\.descriptor), graph: graph)
    }
}

/// Where the crates of one project come from.
struct CargoInputs {
    enum Supply {
        /// There are no crates but the source's own.
        case none
        /// They stand in folders: of the source, or of the operator.
        case vendored(VendoredCrates, by: VendoredCrates.Owner)
        /// They are fetched: from crates.io or what stands in for it, and from git.
        case fetched
    }

    let supply: Supply

    /// The project's cargo configuration, relative to the source's root.
    let configurationFiles: [String]

    var isFetched: Bool { if case .fetched = supply { true } else { false } }

    /// - Throws: ``ToolchainError`` for a project whose crates Kettle cannot vouch for.
    init(
        _ packages: [LockedPackage], _ layout: BuildLayout, _ configuration: CargoConfiguration
    ) throws(ToolchainError) {
        try CargoWorkspaceRoot.check(layout)
        let project = try CargoProjectConfiguration(of: layout)
        configurationFiles = project.files
        if packages.allSatisfy({ $0.origin == .source }) {
            supply = .none
        } else if !project.vendorFolders.isEmpty {
            supply = .vendored(
                try VendoredCrates(.source, root: layout.source, folders: project.vendorFolders), by: .source)
        } else {
            for package in packages {
                if let source = package.uncommonSource {
                    throw .unsupportedSource(package: package.spec, source: source)
                }
            }
            guard let folder = configuration.vendorDirectory else {
                // The project's configuration is hidden from the fetch, which would find the lockfile out of date.
                if let file = project.patchingFile { throw .sourceReplacement(file: file, key: "patch") }
                supply = .fetched
                return
            }
            // cargo is told of one folder for crates.io, and would look for a git dependency elsewhere.
            if let package = packages.first(where: \.isFromGit) {
                throw .unsupportedSource(
                    package: package.spec, source: "git, and this service builds from its own crates")
            }
            supply = .vendored(try VendoredCrates(.builder, root: folder, folders: [""]), by: .builder)
        }
    }
}

extension LockedPackage {
    /// The package as cargo's messages name it: `libc 0.2.190`.
    var spec: String { "\(name) \(version)" }

    /// A source other than the project itself and crates.io, for a person.
    fileprivate var uncommonSource: String? {
        switch origin {
        case .source, .publicRegistry, .git: nil
        case .registry(let url, _): "the registry \(url)"
        }
    }

    var isFromGit: Bool { if case .git = origin { true } else { false } }

    /// The package by what the lockfile pins, which whoever asks has compared with what is there.
    fileprivate var descriptor: ResourceDescriptor {
        switch origin {
        case .source: ResourceDescriptor(uri: PackageURL.cargo(name: name, version: version))
        case .publicRegistry(let checksum):
            ResourceDescriptor(
                uri: PackageURL.cargo(name: name, version: version), digest: ["sha256": checksum.hex])
        case .registry(let url, let checksum):
            ResourceDescriptor(
                uri: PackageURL.cargo(name: name, version: version, qualifiers: ["repository_url": url]),
                digest: ["sha256": checksum.hex])
        case .git(let url, let commit):
            ResourceDescriptor(
                uri: PackageURL.cargo(
                    name: name, version: version,
                    qualifiers: ["vcs_url": "git+\(CargoRepositories.Source(url).url)@\(commit)"]),
                digest: ["gitCommit": commit])
        }
    }

    /// A git dependency with its commit's tree, any other package as it is locked.
    fileprivate func descriptor(in repositories: CargoRepositories) -> ResourceDescriptor {
        var descriptor = descriptor
        if case .git(_, let commit) = origin { descriptor.digest["gitTree"] = repositories.tree(of: commit) }
        return descriptor
    }

    /// A vendored package by the tree that its folder was seen to be.
    ///
    /// What the lockfile pins of it stands beside only where every file was compared with a list that belongs to it, and
    /// else in an annotation: nobody has seen an archive, or a commit.
    fileprivate func descriptor(
        _ checked: VendoredCrates.Checked, vendoredBy owner: VendoredCrates.Owner
    ) -> ResourceDescriptor {
        var descriptor = descriptor
        var annotations: [String: JSONValue] = ["vendored": .string(owner.rawValue)]
        if let commit = descriptor.digest.removeValue(forKey: "gitCommit") {
            annotations["lockedCommit"] = .string(commit)
        }
        if !checked.isListed, let checksum = descriptor.digest.removeValue(forKey: "sha256") {
            annotations["lockedSha256"] = .string(checksum)
        }
        descriptor.digest["gitTree"] = checked.tree
        descriptor.annotations = annotations
        return descriptor
    }
}
