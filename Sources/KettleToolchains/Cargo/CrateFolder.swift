import Glibc
import KettleProvenance
import KettleSandbox
import KettleSource
import Synchronization
import SystemPackage

/// The crates of one build, unpacked by Kettle in the form that `cargo vendor` writes: `<name>-<version>/`, each with a
/// `.cargo-checksum.json` that holds the SHA-256 of its archive. cargo compares that with the lockfile.
///
/// cargo does not check again what it has once unpacked itself, and the index that it fetches has no digest. So the build sees
/// nothing that cargo fetched, only what Kettle made of archives with the lockfile's digests.
enum CrateFolder {
    static let mountPoint = "/build/vendor"

    /// For all crates of a build together.
    private static let limits = SourceLimits(entries: 1_000_000, bytes: 16 << 30)

    static func path(in layout: BuildLayout) -> FilePath { layout.inputs.appending("vendor") }

    /// Makes the folder. cargo wants every package of the lockfile, also those for other systems.
    static func make(
        of packages: [LockedPackage], from store: PackageStore, in layout: BuildLayout
    ) throws(ToolchainError) {
        let folder = path(in: layout)
        guard mkdir(folder.string, 0o755) == 0, chmod(folder.string, 0o755) == 0 else {
            throw .storageFailed(reason: String(cString: strerror(errno)))
        }
        var made: Set<String> = []
        for package in packages where package.archiveDigest != nil {
            // A lockfile can name crates.io in two ways; cargo uses one.
            guard made.insert(package.title).inserted else {
                throw .malformedFile(name: CargoLock.fileName, line: nil, reason: "\(package.title) is listed twice")
            }
        }
        let remaining = Mutex(limits)
        _ = try inParallel(packages) { package throws(ToolchainError) in
            guard let digest = package.archiveDigest else { return }
            guard let archive = store.open(PinnedDigest(digest)) else { throw .missingPackage(package.spec) }
            let size = try unpack(
                archive.descriptor, package, digest, into: folder, within: remaining.withLock { $0 })
            let isWithin = remaining.withLock { limits in
                limits.entries -= size.entries
                limits.bytes -= size.bytes
                return limits.entries >= 0 && limits.bytes >= 0
            }
            guard isWithin else {
                throw .unusablePackage(package: package.spec, reason: "all packages together are too large")
            }
        }
    }

    private static func unpack(
        _ archive: CInt, _ package: LockedPackage, _ digest: ContentDigest, into folder: FilePath,
        within limits: SourceLimits
    ) throws(ToolchainError) -> PackageArchive.Size {
        // No list of files: it would say what Kettle has just written, in a folder that nothing else can write.
        let checksums = #"{"files":{},"package":"\#(digest.hex)"}"#
        do throws(SourceError) {
            return try PackageArchive.unpack(
                archive, from: package.title, into: folder.appending(package.title),
                adding: (".cargo-checksum.json", Array(checksums.utf8)), within: limits)
        } catch {
            if error.isKettlesFault { throw .storageFailed(reason: error.message) }
            throw .unusablePackage(package: package.spec, reason: error.message)
        }
    }
}

extension LockedPackage {
    /// Of the archive, for a package of crates.io.
    var archiveDigest: ContentDigest? {
        if case .publicRegistry(let digest) = origin { digest } else { nil }
    }

    /// `libc-0.2.190`: what an archive of crates.io is called, and its one folder.
    var title: String { "\(name)-\(version)" }
}
