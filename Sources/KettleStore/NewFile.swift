import Glibc
import KettleProvenance
package import SystemPackage

/// A file that this process makes and nobody has yet seen: mode 0600, closed when the value goes.
package struct NewFile: ~Copyable, Sendable {
    private let descriptor: CInt
    /// What errors call it; never a path.
    private let what: String

    /// - Throws: ``StoreError/writeFailed(what:reason:)``, also when something of that name exists.
    package init(at path: FilePath, called what: String) throws(StoreError) {
        descriptor = open(path.string, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        self.what = what
        guard descriptor >= 0 else { throw .writeFailed(what: what, reason: String(cString: strerror(errno))) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Appends all of the bytes.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        try Self.write(bytes, to: descriptor, called: what)
    }

    /// Describes a finished file that is served under its own name.
    ///
    /// Blocks while it is hashed.
    package static func record(_ path: FilePath, called name: String) throws -> RecordedFile {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw StoreError.readFailed(what: name, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        return RecordedFile(
            category: .record, name: name, location: name, digest: try ContentDigest.ofFile(descriptor: descriptor),
            size: Int64(lseek(descriptor, 0, SEEK_END)))
    }

    /// Gives a finished draft a second name, and describes it.
    package static func share(_ draft: FilePath, as path: FilePath, called name: String) throws -> RecordedFile {
        let file = try record(draft, called: name)
        unlink(path.string)
        guard link(draft.string, path.string) == 0 else {
            throw StoreError.writeFailed(what: name, reason: String(cString: strerror(errno)))
        }
        return file
    }

    /// Writes all of the bytes to a descriptor, however the kernel splits them.
    static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: CInt, called what: String
    ) throws(StoreError) {
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .writeFailed(what: what, reason: String(cString: strerror(errno))) }
            written += count
        }
    }
}
