import KettleProvenance

/// Reads the entries of a lockfile of npm's.
struct NpmLockReader {
    let file: String
    /// The project's folder, relative to the source's root.
    let project: String

    func entry(_ value: JSONValue, at place: String) throws(ToolchainError) -> NpmLock.Entry {
        guard value.objectValue != nil else { throw malformed("\"\(place)\" is not an object") }
        _ = try sourcePath(place)
        let placeName = NpmPlace.name(place)
        let name = try text(value, "name", place) ?? placeName ?? ""
        let version = try text(value, "version", place) ?? ""
        let content = try content(value, place, placeName, name, version)
        return NpmLock.Entry(
            content: content, name: name, version: version, dependencies: try dependencies(value, place))
    }

    private func content(
        _ value: JSONValue, _ place: String, _ placeName: String?, _ name: String, _ version: String
    ) throws(ToolchainError) -> NpmLock.Entry.Content {
        let resolved = try text(value, "resolved", place)
        if try flag(value, "link", place) {
            guard let resolved, placeName != nil else { throw malformed("\"\(place)\" is a link to nowhere") }
            _ = try sourcePath(resolved)
            return .link(to: resolved)
        }
        guard let placeName else {
            guard resolved == nil else { throw malformed("\"\(place)\" is a folder and comes from elsewhere") }
            return .folder
        }
        guard NodePackageID.isName(placeName) else { throw malformed("\"\(place)\" names no package") }
        guard let package = NodePackageID(name: name, version: version) else {
            throw malformed("\"\(place)\" has no usable name and version")
        }
        guard let resolved else {
            guard try flag(value, "inBundle", place) else {
                throw malformed("\"\(place)\" does not say where it comes from (\"resolved\")")
            }
            return .bundled
        }
        let origin = try origin(of: package, resolved)
        // npm-install-checks, `checkPlatform`.
        if try flag(value, "optional", place), !NodeSystem.isThis(os: value["os"], cpu: value["cpu"]) {
            return .elsewhere
        }
        guard let integrity = try text(value, "integrity", place) else {
            throw .missingChecksum(package: package.text)
        }
        let digest = try SubresourceIntegrity.digest(integrity, of: package.text, in: file)
        // npm keeps tarballs by the strongest digest that it is told of, and Kettle lays them out where it looks.
        return .tarball(NodeTarball(package: package, digest: digest, place: origin))
    }

    private func origin(of package: NodePackageID, _ resolved: String) throws(ToolchainError) -> NodeTarball.Place {
        guard resolved.utf8.count <= 4096, resolved.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw malformed("\(package.text) comes from something that is not a URL")
        }
        if resolved.hasPrefix("file:") {
            let path = try sourcePath(String(resolved.dropFirst("file:".count)))
            return .source(path)
        }
        switch package.isAt(resolved) {
        case true?: return .registry
        case false?: throw malformed("\(package.text) comes from \(resolved), which is the place of another package")
        case nil: throw .unsupportedSource(package: package.text, source: resolved)
        }
    }

    private func dependencies(_ value: JSONValue, _ place: String) throws(ToolchainError) -> [String] {
        var names: Set<String> = []
        for kind in ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"] {
            guard let list = value[kind] else { continue }
            guard let members = list.objectValue else {
                throw malformed("the \(kind) of \"\(place)\" are not an object")
            }
            names.formUnion(members.keys)
        }
        return names.sorted()
    }

    // MARK: - Forms

    /// A path of the lockfile's as one relative to the source's root.
    private func sourcePath(_ path: String) throws(ToolchainError) -> String {
        try SourcePath.inside(path, of: project, named: file)
    }

    private func text(_ value: JSONValue, _ key: String, _ place: String) throws(ToolchainError) -> String? {
        guard let member = value[key] else { return nil }
        guard let text = member.stringValue else { throw malformed("the \(key) of \"\(place)\" is not a string") }
        return text
    }

    private func flag(_ value: JSONValue, _ key: String, _ place: String) throws(ToolchainError) -> Bool {
        guard let member = value[key] else { return false }
        guard let flag = member.boolValue else { throw malformed("the \(key) of \"\(place)\" is not true or false") }
        return flag
    }

    private func malformed(_ reason: String) -> ToolchainError {
        .malformedFile(name: file, line: nil, reason: reason)
    }
}
