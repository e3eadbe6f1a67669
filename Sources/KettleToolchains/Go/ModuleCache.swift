import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import SystemPackage

/// Go's module cache for one build, written by Kettle: the modules unpacked, and their `go.mod` files (Go Modules Reference,
/// "Module cache"). Go finds everything there and writes nothing.
///
/// What stands here has been compared with `go.sum`: no file gets its place before. Go itself compares only the sum that
/// stands beside a module, and not the module's files, whenever it finds one in its cache.
struct ModuleCache {
    static let mountPoint = "/build/modules"

    /// For one module (Go's own limit is 500 MB).
    private static let limits = SourceLimits(bytes: 1 << 30)

    private let folder: FilePath

    init(in layout: BuildLayout) { folder = layout.inputs.appending("modules") }

    var path: FilePath { folder }

    func has(_ module: GoModule) -> Bool { access(place(of: module).string, F_OK) == 0 }
    func hasGoMod(_ module: GoModule) -> Bool { access(record(of: module, "mod").string, F_OK) == 0 }

    /// Unpacks a module's zip and gives it its place if its files have that sum.
    ///
    /// - Returns: The sum that they have.
    /// - Throws: ``ToolchainError/unusablePackage(package:reason:)``, ``ToolchainError/storageFailed(reason:)``.
    func add(_ zip: CInt, as module: GoModule, _ sum: GoSumHash) throws(ToolchainError) -> GoSumHash {
        let fresh = folder.appending("new-\(sum.digest.hex)-\(UInt64.random(in: 0 ... .max))")
        try Self.makeFolders(folder)
        do throws(SourceError) {
            _ = try PackageArchive.unpack(zip: zip, into: fresh, within: Self.limits)
        } catch {
            if error.isKettlesFault { throw .storageFailed(reason: error.message) }
            throw .unusablePackage(package: module.spec, reason: error.message)
        }
        let actual: GoSumHash
        do throws(ToolchainError) {
            let files = try PlainFiles.list(fresh, skipsLinks: false)
            guard files.allSatisfy({ $0.hasPrefix("\(module.spec)/") }) else {
                throw .unusablePackage(package: module.spec, reason: "its zip is another module's")
            }
            var digests: [(name: String, digest: ContentDigest)] = []
            for file in files { digests.append((file, try PlainFiles.digest(file, in: fresh))) }
            actual = GoSumHash(of: digests)
        } catch {
            _ = TreeRemoval.remove(fresh)
            throw error
        }
        if actual == sum {
            let place = place(of: module)
            try Self.makeFolders(place.removingLastComponent())
            let unpacked = fresh.appending(FilePath(module.spec).components)
            guard rename(unpacked.string, place.string) == 0 || errno == ENOTEMPTY || errno == EEXIST else {
                throw Self.failure()
            }
            try Self.write(Array(sum.text.utf8), to: record(of: module, "ziphash"))
        }
        _ = TreeRemoval.remove(fresh)
        return actual
    }

    /// Gives a `go.mod` its place. Whoever asks has compared it with `go.sum`.
    func add(goMod bytes: [UInt8], of module: GoModule) throws(ToolchainError) {
        try Self.write(bytes, to: record(of: module, "mod"))
    }

    /// The folder of its files.
    func place(of module: GoModule) -> FilePath {
        folder.appending(FilePath("\(module.escapedPath)@\(module.escapedVersion)").components)
    }

    private func record(of module: GoModule, _ kind: String) -> FilePath {
        folder.appending(
            FilePath("cache/download/\(module.escapedPath)/@v/\(module.escapedVersion).\(kind)").components)
    }

    private static func write(_ bytes: [UInt8], to path: FilePath) throws(ToolchainError) {
        try makeFolders(path.removingLastComponent())
        let file = open(path.string, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure() }
        defer { close(file) }
        guard fchmod(file, 0o644) == 0, Glibc.write(file, bytes, bytes.count) == bytes.count else { throw failure() }
    }

    private static func makeFolders(_ path: FilePath) throws(ToolchainError) {
        if access(path.string, F_OK) == 0 { return }
        let parent = path.removingLastComponent()
        if !parent.isEmpty, parent != path { try makeFolders(parent) }
        guard mkdir(path.string, 0o755) == 0 else {
            guard errno == EEXIST else { throw failure() }
            return
        }
        // What mkdir is given is cut by the process's umask.
        guard chmod(path.string, 0o755) == 0 else { throw failure() }
    }

    private static func failure() -> ToolchainError { .storageFailed(reason: String(cString: strerror(errno))) }
}
