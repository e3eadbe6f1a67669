import KettleProvenance
import KettleSource

/// How a source stands in a statement: `docs/build-types/`, "resolvedDependencies", the first entry.
extension ResourceDescriptor {
    /// An uploaded archive, by its bytes and by the files in it.
    ///
    /// - Parameter commit: A commit whose tree the files are.
    init(archive uri: String, _ digest: ContentDigest, _ tree: GitTreeID, commit: String?) {
        var annotations: [String: JSONValue] = [:]
        annotations["gitTreeSha256"] = tree.sha256.map(JSONValue.string)
        annotations["folder"] = tree.onlyFolder.map { folder in
            ["name": .string(folder.name), "gitTree": .string(folder.sha1), "gitTreeSha256": .string(folder.sha256)]
        }
        self.init(uri: uri, digest: ["sha256": digest.hex, "gitTree": tree.sha1], annotations: annotations)
        self.digest["gitCommit"] = commit
    }

    /// A commit as it was fetched.
    init(checkout: GitCheckout, as uri: String) {
        let submodules = checkout.submodules.map { submodule -> JSONValue in
            [
                "path": .string(submodule.path), "uri": .string("git+\(submodule.url)"),
                "gitCommit": .string(submodule.commit),
            ]
        }
        let lfs = checkout.lfs.map { file -> JSONValue in
            ["path": .string(file.path), "sha256": .string(file.digest.hex), "size": .integer(file.size)]
        }
        var annotations: [String: JSONValue] = [:]
        if !submodules.isEmpty { annotations["submodules"] = .array(submodules) }
        if !lfs.isEmpty { annotations["lfs"] = .array(lfs) }
        self.init(
            uri: uri, digest: ["gitCommit": checkout.commit, "gitTree": checkout.tree],
            annotations: annotations.isEmpty ? nil : annotations)
    }
}
