package import KettleProvenance
import KettleSandbox

extension CargoToolchain {
    package func verifyInputs(
        _ inputs: LockedInputs, layout: BuildLayout
    ) throws(ToolchainError) -> [ResourceDescriptor] {
        let plan = try CargoInputs(inputs, layout, configuration)
        var dependencies: [ResourceDescriptor]
        switch plan.supply {
        case .none: dependencies = []
        case .vendored(let by): dependencies = inputs.packages.compactMap { $0.descriptor(vendoredBy: by) }
        case .fetched:
            let store = crates(of: layout)
            try FetchedCrates(inputs).copy(from: layout.dependencies, to: store)
            try CrateFolder.make(of: inputs.packages, from: store, in: layout)
            dependencies = inputs.packages.compactMap { $0.descriptor(vendoredBy: nil) }
        }
        dependencies.sort { ($0.uri ?? "").utf8.lexicographicallyPrecedes(($1.uri ?? "").utf8) }
        return dependencies
    }
}

/// Where the crates of one project come from.
struct CargoInputs {
    enum Supply: Hashable {
        /// There are no crates but the source's own.
        case none
        /// They stand in a folder: of the source, or of the operator.
        case vendored(by: String)
        /// They are fetched from crates.io or what stands in for it.
        case fetched
    }

    let supply: Supply

    /// The project's cargo configuration, relative to the source's root.
    let configurationFiles: [String]

    /// - Throws: ``ToolchainError`` for a project whose crates Kettle cannot vouch for.
    init(
        _ inputs: LockedInputs, _ layout: BuildLayout, _ configuration: CargoConfiguration
    ) throws(ToolchainError) {
        try CargoWorkspaceRoot.check(layout)
        let project = try CargoProjectConfiguration(of: layout)
        configurationFiles = project.files
        if inputs.packages.allSatisfy({ $0.origin == .source }) {
            supply = .none
        } else if project.isVendored {
            supply = .vendored(by: "source")
        } else {
            for package in inputs.packages {
                if let source = package.uncommonSource {
                    throw .unsupportedSource(package: "\(package.name) \(package.version)", source: source)
                }
            }
            supply = configuration.vendorDirectory == nil ? .fetched : .vendored(by: "builder")
        }
    }
}

extension LockedPackage {
    /// A source other than the project itself and crates.io, for a person.
    fileprivate var uncommonSource: String? {
        switch origin {
        case .source, .publicRegistry: nil
        case .registry(let url, _): "the registry \(url)"
        case .git(let url, _): "the git repository \(url)"
        }
    }

    /// - Parameter vendor: Whose folder it stands in; nil when it was fetched and checked.
    fileprivate func descriptor(vendoredBy vendor: String?) -> ResourceDescriptor? {
        let annotations: [String: JSONValue]? = vendor.map { ["vendored": .string($0)] }
        switch origin {
        case .source: return nil
        case .publicRegistry(let checksum):
            return ResourceDescriptor(
                uri: PackageURL.cargo(name: name, version: version), digest: ["sha256": checksum.hex],
                annotations: annotations)
        case .registry(let url, let checksum):
            return ResourceDescriptor(
                uri: PackageURL.cargo(name: name, version: version, qualifiers: ["repository_url": url]),
                digest: ["sha256": checksum.hex], annotations: annotations)
        case .git(let url, let commit):
            return ResourceDescriptor(
                uri: PackageURL.cargo(
                    name: name, version: version, qualifiers: ["vcs_url": "git+\(url)@\(commit)"]),
                digest: ["gitCommit": commit], annotations: annotations)
        }
    }
}
