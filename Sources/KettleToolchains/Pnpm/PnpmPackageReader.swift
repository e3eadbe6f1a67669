import KettleProvenance

/// Reads the packages of a lockfile of pnpm's.
struct PnpmPackageReader {
    let version: PnpmLock.Version
    /// The lockfile's folder, relative to the source's root.
    let project: String

    /// - Parameters:
    ///   - key: Without peers.
    ///   - uses: What the lockfile says of the package where it is used, once for each set of peers.
    func package(
        _ value: LockfileYAML, key: String, uses: [LockfileYAML]
    ) throws(ToolchainError) -> PnpmLock.Package {
        guard let resolution = value["resolution"]?.mapValue else {
            throw PnpmLock.malformed("the package \(key) has no resolution")
        }
        let named = PnpmKey.parse(key, version)
        let name = value["name"]?.textValue ?? named?.name ?? PnpmPackageReader.nameBeforePlace(key, version)
        let packageVersion = value["version"]?.textValue ?? named?.version ?? ""
        var package = PnpmLock.Package(
            content: .elsewhere, name: name, version: packageVersion)
        for use in uses {
            package.dependencies.merge(try Self.dependencies(use, ["dependencies", "optionalDependencies"])) { $1 }
        }
        if let folder = resolution["directory"]?.textValue {
            package.content = .folder(try SourcePath.inside(folder, of: project, named: PnpmLock.fileName))
            return package
        }
        guard let id = NodePackageID(name: name, version: packageVersion) else {
            throw .unsupportedSource(package: key, source: Self.place(resolution) ?? "no registry")
        }
        let origin = try origin(of: id, resolution, isFromRegistry: named.map { $0 == (name, packageVersion) } ?? false)
        let isOptional = !uses.isEmpty && uses.allSatisfy { $0["optional"]?.textValue == "true" }
        if isOptional, !isForThisSystem(value) { return package }
        guard let integrity = resolution["integrity"]?.textValue else { throw .missingChecksum(package: id.text) }
        let digest = try SubresourceIntegrity.digest(integrity, of: id.text, in: PnpmLock.fileName)
        package.content = .tarball(NodeTarball(package: id, digest: digest, place: origin))
        return package
    }

    private func origin(
        of package: NodePackageID, _ resolution: [String: LockfileYAML], isFromRegistry: Bool
    ) throws(ToolchainError) -> NodeTarball.Place {
        for key in resolution.keys.sorted() where !["integrity", "tarball"].contains(key) {
            throw .unsupportedSource(package: package.text, source: Self.place(resolution) ?? key)
        }
        guard let tarball = resolution["tarball"]?.textValue else {
            guard isFromRegistry else { throw .unsupportedSource(package: package.text, source: "no registry") }
            return .registry
        }
        if tarball.hasPrefix("file:") {
            return .source(
                try SourcePath.inside(String(tarball.dropFirst("file:".count)), of: project, named: PnpmLock.fileName))
        }
        switch package.isAt(tarball) {
        case true? where isFromRegistry: return .registry
        case false?:
            throw PnpmLock.malformed("\(package.text) comes from \(tarball), which is the place of another package")
        default: throw .unsupportedSource(package: package.text, source: tarball)
        }
    }

    /// Where a package comes from that is not of a registry, for people.
    private static func place(_ resolution: [String: LockfileYAML]) -> String? {
        for key in ["tarball", "repo", "url", "type"] {
            if let text = resolution[key]?.textValue { return text }
        }
        return nil
    }

    /// Version 9 has the name before the place: `name@file:vendor/name.tgz`.
    private static func nameBeforePlace(_ key: String, _ version: PnpmLock.Version) -> String {
        guard version == .nine, let at = key.dropFirst().firstIndex(of: "@") else { return "" }
        return String(key[..<at])
    }

    /// pnpm leaves out an optional package whose `os` or `cpu` is not this one (pnpm's `config/package-is-installable`).
    private func isForThisSystem(_ value: LockfileYAML) -> Bool {
        func json(_ list: LockfileYAML?) -> JSONValue? {
            list?.listValue.map { .array($0.compactMap(\.textValue).map(JSONValue.string)) }
        }
        return NodeSystem.isThis(os: json(value["os"]), cpu: json(value["cpu"]))
    }

    /// What a package or a project needs: the version, or what stands for it, by name.
    static func dependencies(
        _ value: LockfileYAML, _ kinds: [String]
    ) throws(ToolchainError) -> [String: String] {
        var dependencies: [String: String] = [:]
        for kind in kinds {
            for (name, reference) in try PnpmLock.map(value[kind], kind) {
                // A project's dependencies also say what was asked for.
                guard let text = reference.textValue ?? reference["version"]?.textValue else {
                    throw PnpmLock.malformed("the dependency \(name) has no version")
                }
                dependencies[name] = text
            }
        }
        return dependencies
    }
}
