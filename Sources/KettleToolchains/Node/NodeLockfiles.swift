package import KettleProvenance

/// The lockfiles of npm and pnpm, for whoever wants to know what they pin and builds nothing.
package enum NodeLockfiles {
    /// The packages that a lockfile pins by the digests of their tarballs, those of the source left out.
    ///
    /// - Parameters:
    ///   - bytes: The whole file. It may come from anyone.
    ///   - name: `pnpm-lock.yaml`, or one of npm's: `package-lock.json`, `npm-shrinkwrap.json`.
    /// - Returns: Package URLs with digests, sorted by URL, each once.
    /// - Throws: What a build of such a project ends with.
    package static func packages(
        in bytes: [UInt8], named name: String
    ) throws(ToolchainError) -> [ResourceDescriptor] {
        let tarballs =
            name == PnpmLock.fileName
            ? try PnpmLock(parsing: bytes).tarballs : try NpmLock(parsing: bytes, named: name).tarballs
        return VerifiedInputs(
            sorting: tarballs.filter { $0.place == .registry }.map { $0.descriptor([:]) }, graph: [:]
        ).dependencies
    }
}
