import Glibc
import KettleProvenance

extension NixArchive {
    /// The digest of the bytes of a file, from an archive of it alone.
    ///
    /// Blocks.
    /// - Returns: nil for an archive of anything else than one file that is not executable.
    static func digestOfOnlyFile(_ descriptor: CInt, size: Int64) throws(ToolchainError) -> ContentDigest? {
        let head = (["nix-archive-1", "(", "type", "regular", "contents"] as [StaticString]).flatMap(text)
        // The file's size stands behind it, and the bracket that closes, padded, at the end.
        let around = Int64(head.count + 8 + 16)
        var start = [UInt8](repeating: 0, count: head.count + 8)
        guard size >= around, pread(descriptor, &start, start.count, 0) == start.count, start.starts(with: head)
        else { return nil }
        let rest = size - around
        let length = start[head.count...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(rest), (length + 7) / 8 * 8 == UInt64(rest) else { return nil }
        var hasher = ContentHasher()
        var block = [UInt8](repeating: 0, count: 256 << 10)
        var place: Int64 = 0
        while place < Int64(length) {
            let count = pread(
                descriptor, &block, min(block.count, Int(Int64(length) - place)), off_t(start.count) + off_t(place))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .storageFailed(reason: String(cString: strerror(errno))) }
            block.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            place += Int64(count)
        }
        return hasher.finalize()
    }

    /// Of fewer than 256 bytes.
    private static func text(_ text: StaticString) -> [UInt8] {
        let count = text.utf8CodeUnitCount
        var bytes = [UInt8](repeating: 0, count: 8 + (count + 7) / 8 * 8)
        bytes[0] = UInt8(count)
        text.withUTF8Buffer { bytes.replaceSubrange(8..<8 + count, with: $0) }
        return bytes
    }
}
