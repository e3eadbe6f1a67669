import KettleProvenance
import KettleSource
import SystemPackage

extension BuildLayout {
    /// Where a path that a manifest names leads, by its words, relative to the source's root.
    ///
    /// - Parameters:
    ///   - path: Relative to the project's folder.
    ///   - manifest: Its name, for errors.
    /// - Throws: ``ToolchainError/outsideSource(manifest:path:)``, also where a link is on the way: what is recorded has to be what
    ///   is built.
    func folder(_ path: String, namedBy manifest: String) throws(ToolchainError) -> String {
        var parts = project.split(separator: "/")
        guard !path.hasPrefix("/") else { throw .outsideSource(manifest: manifest, path: path) }
        for part in path.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil {
                throw .outsideSource(manifest: manifest, path: path)
            }
        }
        let folder = parts.joined(separator: "/")
        guard (try? UnpackedSource(root: source).entries(of: folder)) != nil else {
            throw .outsideSource(manifest: manifest, path: path)
        }
        return folder
    }
}

extension GitTree {
    /// The tree of a package's folder, which no build has touched yet.
    ///
    /// - Parameters:
    ///   - gitlinks: Folders of submodules, as git has them.
    ///   - names: What is no part of the tree.
    /// - Throws: ``ToolchainError/unusablePackage(package:reason:)``, ``ToolchainError/storageFailed(reason:)``.
    static func identify(
        _ folder: FilePath, of package: String, gitlinks: [[UInt8]: [UInt8]] = [:], without names: [String] = []
    ) throws(ToolchainError) -> GitTreeID {
        do throws(SourceError) {
            return try identify(folder, gitlinks: gitlinks, without: names)
        } catch {
            if error.isKettlesFault { throw .storageFailed(reason: error.message) }
            throw .unusablePackage(package: package, reason: error.message)
        }
    }
}
