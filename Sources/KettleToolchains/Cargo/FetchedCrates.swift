import Glibc
import KettleProvenance
import KettleSandbox
import SystemPackage

/// The archives that a fetch has left in `registry/cache/<index>/`, each checked against the lockfile.
///
/// cargo has checked them when it downloaded them. Kettle does it again, since a statement should not rest on another
/// program's word, and finds an archive that the lockfile does not name: cargo used another lockfile then.
struct FetchedCrates {
    private let expected: [String: LockedPackage]

    init(_ packages: [LockedPackage]) {
        expected = Dictionary(
            packages.filter { $0.origin != .source }.map { ("\($0.title).crate", $0) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Copies those that are what the lockfile says into the store. Nothing is there when nothing was fetched.
    func copy(from dependencies: FilePath, to store: PackageStore) throws(ToolchainError) {
        let cache = "registry/cache"
        var files: [(path: String, name: String)] = []
        for index in try Self.names(cache, in: dependencies) {
            files += try Self.names("\(cache)/\(index)", in: dependencies).map { ("\(cache)/\(index)/\($0)", $0) }
        }
        _ = try inParallel(files) { file throws(ToolchainError) in
            guard let package = expected[file.name], case .publicRegistry(let checksum) = package.origin else {
                throw .unexpectedPackage(file: file.name)
            }
            let actual = try Self.copy(file.path, in: dependencies, to: store, as: PinnedDigest(checksum))
            guard actual == PinnedDigest(checksum) else {
                throw .checksumMismatch(package: package.spec, expected: checksum.hex, actual: actual.hex)
            }
        }
    }

    private static func copy(
        _ path: String, in folder: FilePath, to store: PackageStore, as digest: PinnedDigest
    ) throws(ToolchainError) -> PinnedDigest {
        let file: OpenedFile
        do {
            file = try openBeneath(root: folder, relative: path)
        } catch {
            throw .unreadableFile(name: path, reason: "it is not a plain file that can be read")
        }
        return try store.add(file.descriptor, as: digest)
    }

    private static func names(_ path: String, in folder: FilePath) throws(ToolchainError) -> [String] {
        guard let stream = opendir(folder.appending(FilePath(path).components).string) else {
            if errno == ENOENT { return [] }
            throw .unreadableFile(name: path, reason: "the folder cannot be listed")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
