import KettleProvenance
import KettleSource
import SystemPackage

/// A folder of the source that is a package of its own.
enum SourceFolder {
    /// The tree ids of several folders, by path.
    ///
    /// Each is read whole, so what lies in many of them would be read many times: more than 8 in each other are refused.
    static func trees(_ paths: [String], in layout: BuildLayout) throws(ToolchainError) -> [String: String] {
        let folders = Set(paths)
        for folder in folders {
            var parts = folder.split(separator: "/")
            var above = 0
            while parts.popLast() != nil { above += folders.contains(parts.joined(separator: "/")) ? 1 : 0 }
            guard above <= 8 else {
                throw .unusablePackage(package: folder, reason: "it lies in more than 8 other packages")
            }
        }
        let sorted = folders.sorted()
        let trees = try inParallel(sorted) { path throws(ToolchainError) in try tree(path, in: layout) }
        return Dictionary(uniqueKeysWithValues: zip(sorted, trees))
    }

    /// The tree id (SHA-1 format) of a folder, which no build has touched yet.
    ///
    /// - Parameter path: Relative to the source's root.
    /// - Throws: ``ToolchainError/outsideSource(manifest:path:)`` where a link is on the way to it, or nothing is there.
    private static func tree(_ path: String, in layout: BuildLayout) throws(ToolchainError) -> String {
        do throws(ToolchainError) {
            _ = try UnpackedSource(root: layout.source).entries(of: path)
        } catch {
            throw .outsideSource(manifest: "the lockfile", path: path)
        }
        return try GitTree.identify(layout.source.appending(FilePath(path).components), of: path).sha1
    }
}
