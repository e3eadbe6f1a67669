import KettleProvenance

/// What a project of npm's depends on, as a statement says it, once every tarball has been compared.
struct NpmInputs {
    let lock: NpmLock
    let layout: BuildLayout

    /// - Parameter source: Which the URLs of packages inside it name.
    func describe(in source: SourceOrigin) throws(ToolchainError) -> VerifiedInputs {
        let qualifiers = source.packageURLQualifiers
        var descriptors: [String: ResourceDescriptor] = [:]
        for (place, entry) in lock.entries {
            if case .tarball(let tarball) = entry.content { descriptors[place] = tarball.descriptor(qualifiers) }
        }
        let folders = lock.entries.filter { $0.value.content == .folder && !$0.key.isEmpty }.sorted { $0.key < $1.key }
        let trees = try SourceFolder.trees(folders.map { NpmPlace.sourcePath($0.key, in: layout) }, in: layout)
        for (place, entry) in folders {
            guard let tree = trees[NpmPlace.sourcePath(place, in: layout)] else { continue }
            descriptors[place] = ResourceDescriptor(
                uri: url(of: entry, at: place, qualifiers), digest: ["gitTree": tree])
        }
        return VerifiedInputs(
            sorting: Array(descriptors.values),
            graph: graph(descriptors.mapValues { $0.uri ?? "" }).mapValues { $0.sorted() })
    }

    private func url(of entry: NpmLock.Entry, at place: String, _ qualifiers: [String: String]) -> String {
        let path = NpmPlace.sourcePath(place, in: layout)
        return NodePackageID.url(ofFolder: path, name: entry.name, version: entry.version, qualifiers)
    }

    private func graph(_ urls: [String: String]) -> [String: Set<String>] {
        var graph: [String: Set<String>] = [:]
        for (place, entry) in lock.entries {
            guard let owner = place.isEmpty ? "" : urls[place] else { continue }
            let needed = entry.dependencies.compactMap { lock.target(of: $0, from: place).flatMap { urls[$0] } }
            graph[owner, default: []].formUnion(needed)
        }
        return graph
    }
}

extension NodeTarball {
    /// - Parameter qualifiers: Those that name the source, for a tarball that lies in it.
    func descriptor(_ qualifiers: [String: String]) -> ResourceDescriptor {
        switch place {
        case .registry: ResourceDescriptor(uri: package.packageURL(), digest: digest.digestSet)
        case .source(let path):
            ResourceDescriptor(uri: package.packageURL(qualifiers, subpath: path), digest: digest.digestSet)
        }
    }
}

extension NpmPlace {
    /// A place that is a folder of the source, relative to the source's root. Its form has been checked.
    static func sourcePath(_ place: String, in layout: BuildLayout) -> String {
        var parts = layout.project.split(separator: "/")
        for part in place.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }
}
