import Glibc
import KettleProvenance
import KettleSandbox
import SystemPackage

/// The archives of crates that were fetched once, by their SHA-256: `<2 digits>/<62 digits>`.
///
/// Only Kettle reads and writes here; no sandbox ever sees the folder. A file is hashed whenever it is used, so neither a
/// failing disk nor whoever gets at the folder brings other bytes into a build. What is damaged counts as missing and is
/// replaced by the next fetch. Builds may add the same crate at once: each writes a file of its own and renames it.
struct CrateStore {
    let folder: FilePath

    /// Opens a crate.
    ///
    /// - Returns: The file, which had this digest when it was read through this very descriptor; nil when there is none.
    func open(_ digest: ContentDigest) -> OpenedFile? {
        guard let file = try? openBeneath(root: folder, relative: Self.place(of: digest)),
            let actual = try? ContentDigest.ofFile(descriptor: file.descriptor), actual == digest
        else { return nil }
        return file
    }

    /// Whether every package of crates.io is here, undamaged.
    func hasAll(_ packages: [LockedPackage]) -> Bool {
        let checked: [Void]? = try? inParallel(packages) { package throws(ToolchainError) in
            guard case .publicRegistry(let digest) = package.origin else { return }
            guard open(digest) != nil else { throw .missingPackage(package.spec) }
        }
        return checked != nil
    }

    /// Copies a file that may still change: what is hashed is what is written.
    ///
    /// - Parameter digest: What it should have. With any other it is not kept.
    /// - Returns: The digest that it has.
    func add(_ file: CInt, as digest: ContentDigest) throws(ToolchainError) -> ContentDigest {
        let path = folder.appending(FilePath(Self.place(of: digest)).components)
        let parent = path.removingLastComponent()
        for folder in [folder, parent] where mkdir(folder.string, 0o700) != 0 && errno != EEXIST {
            throw Self.failure()
        }
        let temporary = parent.appending("new-\(UInt64.random(in: 0 ... .max))").string
        let copy = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o400)
        guard copy >= 0 else { throw Self.failure() }
        defer { close(copy) }
        do throws(ToolchainError) {
            let actual = try Self.copy(file, to: copy)
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

    private static func copy(_ file: CInt, to copy: CInt) throws(ToolchainError) -> ContentDigest {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var hasher = ContentHasher()
        while true {
            let count = read(file, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure() }
            if count == 0 { return hasher.finalize() }
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

    private static func place(of digest: ContentDigest) -> String {
        "\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))"
    }

    private static func failure() -> ToolchainError { .storageFailed(reason: String(cString: strerror(errno))) }
}
