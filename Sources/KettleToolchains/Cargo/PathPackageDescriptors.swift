import KettleProvenance
import KettleSource
import SystemPackage

/// The project's own packages beside the one that is built: which folders of the source they are, by tree id.
struct PathPackageDescriptors {
    private struct Place: Sendable {
        /// Among the lockfile's packages.
        var index: Int
        var package: LockedPackage
        /// Relative to the source's root.
        var folder: String
    }

    private let root: FilePath
    private let places: [Place]

    /// - Throws: ``ToolchainError/packageNotFound(package:)`` for a package that the lockfile takes for the project's own and
    ///   that is not there.
    init(
        _ packages: [LockedPackage], _ inputs: CargoInputs, _ layout: BuildLayout
    ) throws(ToolchainError) {
        root = layout.source
        var places: [Place] = []
        let found = Dictionary(
            grouping: try PathPackages(of: layout, configurationFiles: inputs.configurationFiles).found, by: \.name)
        for (index, package) in packages.enumerated() where package.origin == .source {
            let matches = found[package.name, default: []].filter { ($0.version ?? package.version) == package.version }
            guard !matches.isEmpty else { throw .packageNotFound(package: package.spec) }
            for match in matches where match.folder != layout.project {
                places.append(Place(index: index, package: package, folder: match.folder))
            }
        }
        self.places = places
        // Each is read whole, so what lies in many of them would be read many times.
        let folders = Set(places.map(\.folder))
        for place in places {
            var parts = place.folder.split(separator: "/")
            var above = 0
            while parts.popLast() != nil { above += folders.contains(parts.joined(separator: "/")) ? 1 : 0 }
            guard above <= 8 else {
                throw .unusablePackage(package: place.package.spec, reason: "it lies in more than 8 other packages")
            }
        }
    }

    /// - Returns: Each with its place among the lockfile's packages.
    /// - Parameter source: Which the package URLs name: by its repository, or by the archive's digest.
    func describe(in source: SourceOrigin) throws(ToolchainError) -> [(index: Int, descriptor: ResourceDescriptor)] {
        let qualifiers = source.packageURLQualifiers
        return try inParallel(places) { [root] place throws(ToolchainError) in
            let tree = try GitTree.identify(
                root.appending(FilePath(place.folder).components), of: place.package.spec)
            let descriptor = ResourceDescriptor(
                uri: PackageURL.cargo(
                    name: place.package.name, version: place.package.version, qualifiers: qualifiers,
                    subpath: place.folder),
                digest: ["gitTree": tree.sha1])
            return (place.index, descriptor)
        }
    }
}
