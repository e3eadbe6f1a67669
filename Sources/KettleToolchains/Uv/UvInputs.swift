import Glibc
import KettleProvenance
import SystemPackage

/// Which files a Python project is built with: those of `uv.lock` that this machine can use, and build backends.
///
/// `uv.lock` does not pin the build backend that `pyproject.toml` names, unless the project depends on it or has it in a
/// dependency group. Where it does not, the operator's folder of backends has it; Kettle fetches nothing that nobody pinned.
struct UvInputs: Sendable {
    /// A file of the lockfile, chosen for this machine.
    struct Chosen: Sendable, Hashable {
        var package: UvPackage
        var file: UvPackage.File
        var digest: PinnedDigest
        /// Where it is fetched from.
        var address: String
    }

    /// Sorted by file name.
    let files: [Chosen]
    /// The project's own packages in other folders than the project's, relative to the source's root.
    let locals: [(name: String, folder: String)]
    /// Whether the wheels of the operator's folder take part.
    let usesSuppliedBackends: Bool
    /// By package URL: what needs what.
    let graph: [String: [String]]

    /// - Throws: ``ToolchainError/missingChecksum(package:)``, ``ToolchainError/unsupportedSource(package:source:)``,
    ///   ``ToolchainError/backendNotPinned(package:)``.
    init(
        _ lock: UvLock, _ layout: BuildLayout, _ settings: ProjectSettings, _ uv: UvToolchain
    ) throws(ToolchainError) {
        var locals: [(name: String, folder: String)] = []
        var roots: [UvDependency] = []
        var backends: [String] = []
        let wanted = Set(settings[.packages].map(UvProject.normalized))
        for package in lock.packages {
            guard case .folder(let path, let isPackage) = package.source else { continue }
            let folder = try layout.folder(path, namedBy: UvLock.fileName)
            if folder != layout.project { locals.append((package.name, folder)) }
            roots.append(UvDependency(name: package.name))
            let isBuilt = wanted.isEmpty ? folder == layout.project : wanted.contains(package.name)
            if isBuilt, isPackage { backends += try UvProject(of: folder, in: layout.source).backends }
        }
        guard !roots.isEmpty else { throw UvLock.malformed("it has no package of the project itself") }
        let names = Set(lock.packages.map(\.name))
        let missing = Set(backends).subtracting(names)
        roots += Set(backends).intersection(names).map { UvDependency(name: $0) }
        // uv builds for its own backend without the package.
        let isSupplied = missing.contains { $0 != "uv-build" }
        if isSupplied {
            let supplied = try Self.supplied(uv.configuration)
            for name in missing.sorted() where name != "uv-build" && !supplied.contains(where: { $0.name == name }) {
                throw .backendNotPinned(package: name)
            }
        }
        usesSuppliedBackends = isSupplied
        self.locals = locals
        var files: [Chosen] = []
        let places = lock.closure(of: roots)
        for place in places {
            if let chosen = try Self.choose(lock.packages[place], uv) { files.append(chosen) }
        }
        self.files = files.sorted { $0.file.name < $1.file.name }
        let known = Dictionary(files.map { ($0.package.name, $0.package.packageURL) }) { first, _ in first }
        var graph: [String: [String]] = [:]
        for place in places {
            let package = lock.packages[place]
            let needed = package.dependencies.compactMap { known[$0.name] }
            if case .folder = package.source {
                graph["", default: []] += needed
            } else if known[package.name] == package.packageURL {
                graph[package.packageURL, default: []] += needed
            }
        }
        self.graph = graph
    }

    /// The best wheel for this machine, or else the sdist.
    ///
    /// - Returns: nil for a package of the project, and for one that has nothing for this machine: it is for another one.
    private static func choose(_ package: UvPackage, _ uv: UvToolchain) throws(ToolchainError) -> Chosen? {
        switch package.source {
        case .folder: return nil
        case .other(let source): throw .unsupportedSource(package: package.spec, source: source)
        case .registry: break
        }
        let wheels = package.wheels.compactMap { file in
            uv.installation.platform.rank(ofWheel: file.name).map { (file, $0) }
        }
        guard let file = wheels.max(by: { ($0.1, $0.0.name) < ($1.1, $1.0.name) })?.0 ?? package.sdist else {
            return nil
        }
        guard let digest = file.digest else { throw .missingChecksum(package: package.spec) }
        guard let address = uv.configuration.address(of: file.url) else {
            throw .unsupportedSource(package: package.spec, source: file.url.isEmpty ? "a path" : file.url)
        }
        return Chosen(package: package, file: file, digest: digest, address: address)
    }

    // MARK: - The operator's backends

    /// A wheel of the operator's folder.
    struct Supplied: Sendable, Hashable {
        var name: String
        var version: String
        var file: String
    }

    /// The wheels of the operator's folder; none where there is no folder.
    static func supplied(_ configuration: UvConfiguration) throws(ToolchainError) -> [Supplied] {
        guard let folder = configuration.backends else { return [] }
        let entries: [SourceEntry]
        do throws(ToolchainError) {
            entries = try UnpackedSource(root: folder).entries(of: "")
        } catch {
            throw .invalidConfiguration(reason: "the folder of build backends cannot be read")
        }
        return entries.compactMap { entry in
            let parts = entry.name.split(separator: "-")
            guard !entry.isFolder, entry.name.hasSuffix(".whl"), parts.count >= 5 else { return nil }
            return Supplied(
                name: UvProject.normalized(String(parts[0])), version: String(parts[1]), file: entry.name)
        }
    }
}

extension UvPackage {
    var packageURL: String { PackageURL(type: "pypi", name: name, version: version).text }
}
