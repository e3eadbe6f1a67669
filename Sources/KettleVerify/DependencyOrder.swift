import KettleProvenance

/// The order that `resolvedDependencies` must have: the source, the lockfile, package URLs sorted, the tools.
struct DependencyOrder {
    let statement: Statement

    /// What is wrong, nil when nothing is.
    var problem: String? {
        let entries = statement.resolvedDependencies
        for (index, entry) in entries.enumerated() {
            guard let called = entry.uri ?? entry.name, !called.isEmpty else {
                return "the input \(index + 1) has neither a URI nor a name"
            }
            if entry.digest.isEmpty { return "the input \(index + 1), \"\(called)\", has no digest" }
        }
        guard let source = entries.first else { return "there is no input, not even the source" }
        guard source.uri == statement.externalParameters["source"] else {
            return "the first input is \"\(source.uri ?? "")\" and not the source that the parameters name"
        }
        if let problem = problem(of: source) { return problem }
        let afterSource = entries.dropFirst()
        guard let lockfile = afterSource.first, let name = lockfile.name, lockfile.sha256 != nil, !lockfile.isPackage
        else { return "the lockfile is not named after the source" }
        let afterLockfile = afterSource.dropFirst()
        let packages = afterLockfile.prefix(while: \.isPackage)
        for entry in packages where PackageURL(parsing: entry.uri ?? "")?.text != entry.uri {
            return "\"\(entry.uri ?? "")\" is not a package URL in its one form"
        }
        for (entry, next) in zip(packages, packages.dropFirst()) where !precedes(entry.uri ?? "", next.uri ?? "") {
            return entry.uri == next.uri
                ? "the package \"\(next.uri ?? "")\" is listed twice"
                : "the package \"\(next.uri ?? "")\" is not in its place"
        }
        let tools = afterLockfile.dropFirst(packages.count)
        guard !tools.isEmpty else { return "no tool is named" }
        if name.isEmpty { return "the lockfile has no name" }
        return problem(of: tools)
    }

    private func problem(of source: ResourceDescriptor) -> String? {
        guard source.digest["gitTree"] != nil else { return "the source has no gitTree" }
        let isGit = source.uri?.hasPrefix("git+") ?? false
        guard source.digest[isGit ? "gitCommit" : "sha256"] != nil else {
            return "the source has no \(isGit ? "gitCommit" : "sha256")"
        }
        return nil
    }

    /// One of two tools with one name would be the tool that somebody asks about.
    private func problem(of tools: ArraySlice<ResourceDescriptor>) -> String? {
        var seen: Set<String> = []
        for tool in tools {
            let name = tool.name ?? tool.uri ?? ""
            // `PKG:` is a package URL too, and would be passed over among the packages.
            if tool.uri?.lowercased().hasPrefix("pkg:") ?? false {
                return "the package \"\(name)\" is not in its place"
            }
            guard seen.insert(name).inserted else { return "the tool \"\(name)\" is listed twice" }
        }
        return nil
    }

    private func precedes(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
}

extension Statement {
    /// The lockfile among the resolved dependencies: the entry after the source.
    var lockfile: ResourceDescriptor? { resolvedDependencies.dropFirst().first }
}
