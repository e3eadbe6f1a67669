import Glibc
package import KettleProvenance
import KettleSandbox
import SystemPackage

extension CargoToolchain {
    package func verifyInputs(
        _ inputs: LockedInputs, layout: BuildLayout
    ) throws(ToolchainError) -> [ResourceDescriptor] {
        let plan = try CargoInputs(inputs, layout, configuration)
        var dependencies: [ResourceDescriptor]
        switch plan.supply {
        case .none: dependencies = []
        case .vendored(let by): dependencies = inputs.packages.compactMap { $0.descriptor(vendoredBy: by) }
        case .fetched: dependencies = try FetchedCrates(inputs).check(in: layout.dependencies)
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

/// The archives that a fetch has left in `registry/cache/<index>/`, each checked against the lockfile.
///
/// cargo has checked them when it downloaded them. Kettle does it again, since a statement should not rest on another
/// program's word, and finds an archive that the lockfile does not name: cargo used another lockfile then.
struct FetchedCrates {
    private let expected: [String: LockedPackage]

    init(_ inputs: LockedInputs) {
        expected = Dictionary(
            inputs.packages.filter { $0.origin != .source }.map { ("\($0.name)-\($0.version).crate", $0) },
            uniquingKeysWith: { first, _ in first })
    }

    /// - Returns: The packages whose archives are there. Those that are not cannot be part of the build.
    func check(in dependencies: FilePath) throws(ToolchainError) -> [ResourceDescriptor] {
        var checked: [String: ResourceDescriptor] = [:]
        let cache = "registry/cache"
        for index in try Self.names(cache, in: dependencies) {
            for file in try Self.names("\(cache)/\(index)", in: dependencies) {
                guard let package = expected[file], case .publicRegistry(let checksum) = package.origin else {
                    throw .unexpectedPackage(file: file)
                }
                let actual = try Self.digest("\(cache)/\(index)/\(file)", in: dependencies)
                guard actual == checksum else {
                    throw .checksumMismatch(
                        package: "\(package.name) \(package.version)", expected: checksum.hex, actual: actual.hex)
                }
                checked[file] = package.descriptor(vendoredBy: nil)
            }
        }
        return Array(checked.values)
    }

    private static func digest(_ path: String, in folder: FilePath) throws(ToolchainError) -> ContentDigest {
        do {
            let file = try openBeneath(root: folder, relative: path)
            return try ContentDigest.ofFile(descriptor: file.descriptor)
        } catch {
            throw .unreadableFile(name: path, reason: "it is not a plain file that can be read")
        }
    }

    private static func names(_ path: String, in folder: FilePath) throws(ToolchainError) -> [String] {
        guard let stream = opendir(folder.appending(FilePath(path).components).string) else {
            if errno == ENOENT { return [] }
            throw .unreadableFile(name: path, reason: "the folder cannot be listed")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
