import Glibc
import KettleProvenance
import KettleSandbox
import SystemPackage

/// What was fetched once, by its sum in `go.sum`: `<2 digits>/<62 digits>.zip` and `.mod`.
///
/// Only Kettle reads and writes here, and believes nothing that it finds: whatever is taken out is compared with its sum
/// before a build may read it. A sum is of a zip's files, not of its bytes, so a file cannot be checked by hashing it alone.
struct ModuleStore {
    let folder: FilePath

    /// - Returns: nil when there is no plain file.
    func open(_ sum: GoSumHash, _ kind: Kind) -> OpenedFile? {
        try? openBeneath(root: folder, relative: Self.place(of: sum, kind))
    }

    /// A `go.mod` that has this sum.
    func goMod(_ sum: GoSumHash) -> [UInt8]? {
        guard let bytes = try? ProjectFile.read(Self.place(of: sum, .mod), in: folder), GoSumHash(ofGoMod: bytes) == sum
        else { return nil }
        return bytes
    }

    enum Kind: String {
        case zip, mod
    }

    /// Keeps a copy of a file that was just compared with its sum, in the place of whatever stands there.
    ///
    /// That it cannot be kept harms nobody: it is fetched again.
    func keep(_ file: CInt, _ sum: GoSumHash, _ kind: Kind) {
        let path = folder.appending(FilePath(Self.place(of: sum, kind)).components)
        let parent = path.removingLastComponent()
        for folder in [folder, parent] where mkdir(folder.string, 0o700) != 0 && errno != EEXIST { return }
        let temporary = parent.appending("new-\(UInt64.random(in: 0 ... .max))").string
        let copy = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o400)
        guard copy >= 0 else { return }
        defer { close(copy) }
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        var offset: off_t = 0
        while true {
            let count = pread(file, &buffer, buffer.count, offset)
            if count < 0, errno == EINTR { continue }
            if count == 0 { break }
            guard count > 0, write(copy, buffer, count) == count else {
                unlink(temporary)
                return
            }
            offset += off_t(count)
        }
        if rename(temporary, path.string) != 0 { unlink(temporary) }
    }

    private static func place(of sum: GoSumHash, _ kind: Kind) -> String {
        let hex = sum.digest.hex
        return "\(hex.prefix(2))/\(hex.dropFirst(2)).\(kind.rawValue)"
    }
}
