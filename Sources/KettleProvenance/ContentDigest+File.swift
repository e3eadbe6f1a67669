import Glibc
public import KettleError

extension ContentDigest {
    /// The digest of a file, from its first byte to its end, read in pieces of 128 KiB.
    ///
    /// The descriptor's offset is neither used nor moved. Blocks until the file is read.
    ///
    /// - Parameter descriptor: An open regular file.
    /// - Throws: ``DigestError/unreadable(reason:)`` when the kernel cannot read on.
    public static func ofFile(descriptor: CInt) throws(DigestError) -> ContentDigest {
        let piece = 128 * 1024
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 16)
        defer { buffer.deallocate() }
        var hasher = ContentHasher()
        var offset: off_t = 0
        while true {
            let count = pread(descriptor, buffer.baseAddress, piece, offset)
            if count == 0 { return hasher.finalize() }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw .unreadable(reason: String(cString: strerror(errno)))
            }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += off_t(count)
        }
    }
}

/// Why a file could not be digested.
public enum DigestError: UserFacingError, Hashable {
    /// The kernel could not read the file; `reason` is its word for it.
    case unreadable(reason: String)

    public var code: String { "digest.unreadable" }
    public var message: String {
        switch self {
        case .unreadable(let reason): "a file could not be read to its end: \(reason)"
        }
    }
    public var hint: String? { nil }
}
