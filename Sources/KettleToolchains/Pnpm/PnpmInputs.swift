import KettleProvenance

/// What a project of pnpm's depends on, as a statement says it, once every tarball has been compared.
struct PnpmInputs {
    let lock: PnpmLock
    let members: [PnpmPlan.Member]
    let layout: BuildLayout

    /// - Parameter source: Which the URLs of packages inside it name.
    func describe(in source: SourceOrigin) throws(ToolchainError) -> VerifiedInputs {
        let qualifiers = source.packageURLQualifiers
        var folders: [String: (name: String, version: String)] = [:]
        for package in lock.packages.values {
            if case .folder(let path) = package.content { folders[path] = (package.name, package.version) }
        }
        for member in members {
            folders[try path(of: member)] = (member.manifest.name, member.manifest.version)
        }
        folders[layout.project] = nil
        let trees = try SourceFolder.trees(Array(folders.keys), in: layout)
        var urls: [String: String] = [:]
        for (path, package) in folders {
            urls[path] = NodePackageID.url(
                ofFolder: path, name: package.name, version: package.version, qualifiers)
        }
        let descriptors =
            lock.tarballs.map { $0.descriptor(qualifiers) }
            + folders.keys.map { ResourceDescriptor(uri: urls[$0], digest: trees[$0].map { ["gitTree": $0] } ?? [:]) }
        return VerifiedInputs(
            sorting: descriptors, graph: try graph(qualifiers, folders: urls).mapValues { $0.sorted() })
    }

    private func path(of member: PnpmPlan.Member) throws(ToolchainError) -> String {
        try SourcePath.inside(member.folder, of: layout.project, named: PnpmLock.fileName)
    }

    private func graph(
        _ qualifiers: [String: String], folders: [String: String]
    ) throws(ToolchainError) -> [String: Set<String>] {
        var urls: [String: String] = [:]
        for (key, package) in lock.packages {
            switch package.content {
            case .tarball(let tarball): urls[key] = tarball.descriptor(qualifiers).uri
            case .folder(let path): urls[key] = folders[path]
            case .elsewhere: break
            }
        }
        var graph: [String: Set<String>] = [:]
        func note(_ owner: String, _ dependencies: [String: String]) {
            graph[owner, default: []].formUnion(
                dependencies.compactMap { name, reference in lock.key(of: name, reference).flatMap { urls[$0] } })
        }
        for (key, package) in lock.packages {
            if let url = urls[key] { note(url, package.dependencies) }
        }
        for member in members { note(folders[try path(of: member)] ?? "", lock.importers[member.folder] ?? [:]) }
        return graph
    }
}
