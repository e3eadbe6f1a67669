import Glibc

extension SoftwareKey {
    /// No PEM of a P-256 key comes near this.
    private static let limitInBytes = 16 * 1024

    /// Reads the key at `path`, or makes one there.
    ///
    /// A new key is complete on disk before it has its name, with mode 0600 from its first byte. When two processes start at
    /// once, one key wins and both return it. Blocks on the disk.
    ///
    /// - Parameter path: Of the key file; its folder must exist.
    /// - Throws: ``SoftwareKeyError``. A file that others may read, that is not the caller's or that is a symbolic link is
    ///   refused rather than repaired, since nobody knows who has seen it.
    public static func loadOrCreate(at path: String) throws(SoftwareKeyError) -> SoftwareKey {
        if let key = try load(at: path) { return key }
        let created = SoftwareKey()
        let temporary = "\(path).\(UInt64.random(in: .min ... .max)).new"
        try write(created.privatePEM, to: temporary)
        let linked = link(temporary, path)
        let reason = errno
        unlink(temporary)
        if linked == 0 {
            syncFolder(of: path)
            return created
        }
        guard reason == EEXIST, let key = try load(at: path) else {
            throw .cannotCreate(reason: String(cString: strerror(reason)))
        }
        return key
    }

    /// Nil when there is no such file.
    private static func load(at path: String) throws(SoftwareKeyError) -> SoftwareKey? {
        do {
            let bytes = try RegularFile.read(path, limitInBytes: limitInBytes, flags: O_NOFOLLOW) { status in
                guard status.st_mode & 0o077 == 0 else {
                    throw SoftwareKeyError.readableByOthers(mode: status.st_mode & 0o7777)
                }
                guard status.st_uid == geteuid() else { throw SoftwareKeyError.ownedByAnother(userID: status.st_uid) }
            }
            return try SoftwareKey(pem: String(decoding: bytes, as: UTF8.self))
        } catch let error as SoftwareKeyError {
            throw error
        } catch RegularFile.Failure.missing {
            return nil
        } catch RegularFile.Failure.unreadable(let reason) {
            throw .unreadable(reason: reason)
        } catch RegularFile.Failure.notAFile {
            throw .notAFile
        } catch {
            throw .malformed
        }
    }

    private static func write(_ text: String, to path: String) throws(SoftwareKeyError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .cannotCreate(reason: String(cString: strerror(errno))) }
        defer { close(file) }
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let more = bytes.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            if more < 0 && errno == EINTR { continue }
            guard more > 0 else {
                let reason = String(cString: strerror(errno))
                unlink(path)
                throw .cannotCreate(reason: reason)
            }
            written += more
        }
        guard fsync(file) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(path)
            throw .cannotCreate(reason: reason)
        }
    }

    /// Makes the new name last through a power cut. A file system that cannot do it has done what it can.
    private static func syncFolder(of path: String) {
        let parent = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "."
        let folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }
}
