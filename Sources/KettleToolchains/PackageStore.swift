import Glibc
import KettleSandbox
import SystemPackage

/// The files of packages that were fetched once, by their digests: `<2 digits>/<62 digits>` of a SHA-256, and below a folder
/// of the algorithm's name for any other.
///
/// Only Kettle reads and writes here; no sandbox ever sees the folder. A file is hashed whenever it is used, so neither a
/// failing disk nor whoever gets at the folder brings other bytes into a build. What is damaged counts as missing and is
/// replaced by the next fetch. Builds may add the same file at once: each writes a file of its own and renames it.
struct PackageStore {
    let folder: FilePath

    /// Opens a file.
    ///
    /// - Returns: The file, which had this digest when it was read through this very descriptor; nil when there is none.
    func open(_ digest: PinnedDigest) -> OpenedFile? {
        guard let file = try? openBeneath(root: folder, relative: Self.place(of: digest)),
            PinnedDigest.ofFile(file.descriptor, digest.algorithm) == digest
        else { return nil }
        return file
    }

    /// Whether all of these are here, undamaged.
    func hasAll(_ digests: [PinnedDigest]) -> Bool {
        let checked: [Void]? = try? inParallel(digests) { digest throws(ToolchainError) in
            guard open(digest) != nil else { throw .missingPackage(digest.hex) }
        }
        return checked != nil
    }

    /// Which of these are not here, or damaged: what a fetch has to bring.
    func missing(_ digests: [PinnedDigest]) -> Set<PinnedDigest> {
        let checked = try? inParallel(digests) { digest throws(ToolchainError) in open(digest) == nil ? digest : nil }
        return Set((checked ?? digests).compactMap { $0 })
    }

    /// Copies a file that may still change: what is hashed is what is written.
    ///
    /// - Parameter digest: What it should have. With any other it is not kept.
    /// - Returns: The digest that it has.
    func add(_ file: CInt, as digest: PinnedDigest) throws(ToolchainError) -> PinnedDigest {
        let path = folder.appending(FilePath(Self.place(of: digest)).components)
        let parent = path.removingLastComponent()
        for folder in [folder, parent.removingLastComponent(), parent]
        where mkdir(folder.string, 0o700) != 0 && errno != EEXIST {
            throw Self.failure()
        }
        let temporary = parent.appending("new-\(UInt64.random(in: 0 ... .max))").string
        let copy = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o400)
        guard copy >= 0 else { throw Self.failure() }
        defer { close(copy) }
        do throws(ToolchainError) {
            let actual = try Self.copy(file, to: copy, digest.algorithm)
            guard actual == digest else {
                unlink(temporary)
                return actual
            }
            guard fchmod(copy, 0o444) == 0, rename(temporary, path.string) == 0 else { throw Self.failure() }
            return actual
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Copies a file out of here, hashed once more on the way: nothing that changes meanwhile gets through.
    ///
    /// - Parameter path: A new file, in a folder of Kettle's. Everybody may read it.
    /// - Returns: Whether the file was here, undamaged. The new one is not there otherwise.
    func copy(_ digest: PinnedDigest, to path: FilePath) throws(ToolchainError) -> Bool {
        guard let file = try? openBeneath(root: folder, relative: Self.place(of: digest)) else { return false }
        let copy = Glibc.open(path.string, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o400)
        guard copy >= 0 else { throw Self.failure() }
        defer { close(copy) }
        do throws(ToolchainError) {
            guard try Self.copy(file.descriptor, to: copy, digest.algorithm) == digest else {
                unlink(path.string)
                return false
            }
            guard fchmod(copy, 0o444) == 0 else { throw Self.failure() }
            return true
        } catch {
            unlink(path.string)
            throw error
        }
    }

    private static func copy(
        _ file: CInt, to copy: CInt, _ algorithm: PinnedDigest.Algorithm
    ) throws(ToolchainError) -> PinnedDigest {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var hasher = PinnedHasher(algorithm)
        while true {
            let count = read(file, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure() }
            if count == 0 {
                guard let digest = hasher.finalize() else { throw failure() }
                return digest
            }
            let block = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hasher.update(block)
            try write(block, to: copy)
        }
    }

    private static func write(_ block: UnsafeRawBufferPointer, to file: CInt) throws(ToolchainError) {
        var rest = block
        while !rest.isEmpty {
            let written = Glibc.write(file, rest.baseAddress, rest.count)
            if written < 0, errno == EINTR { continue }
            guard written >= 0 else { throw failure() }
            rest = UnsafeRawBufferPointer(rebasing: rest[min(written, rest.count)...])
        }
    }

    private static func place(of digest: PinnedDigest) -> String {
        let place = "\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))"
        return digest.algorithm == .sha256 ? place : "\(digest.algorithm.rawValue)/\(place)"
    }

    private static func failure() -> ToolchainError { .storageFailed(reason: String(cString: strerror(errno))) }
}
