import CArchive
import Glibc

/// An archive, open for reading at any place.
package final class ArchiveFile {
    private enum Content {
        case file(CInt)
        case memory(UnsafeMutableRawBufferPointer)
    }

    private let content: Content
    package let size: Int64

    /// - Parameter descriptor: An open file; closed when this goes.
    private init(consuming descriptor: CInt) throws(ArchiveError) {
        guard descriptor >= 0 else { throw .lastStorageError() }
        content = .file(descriptor)
        size = Int64(lseek(descriptor, 0, SEEK_END))
        guard size >= 0, lseek(descriptor, 0, SEEK_SET) == 0 else { throw .lastStorageError() }
    }

    /// Opens a file, through no link.
    package convenience init(at path: String) throws(ArchiveError) {
        try self.init(consuming: Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW))
    }

    /// - Parameter descriptor: An open file, which stays open.
    package convenience init(descriptor: CInt) throws(ArchiveError) {
        try self.init(consuming: fcntl(descriptor, F_DUPFD_CLOEXEC, 0))
    }

    package init(bytes: [UInt8]) {
        // A place of its own, since libarchive keeps the address.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 16)
        copy.copyBytes(from: bytes)
        content = .memory(copy)
        size = Int64(bytes.count)
    }

    deinit {
        switch content {
        case .file(let descriptor): close(descriptor)
        case .memory(let bytes): bytes.deallocate()
        }
    }

    /// Gives the whole of it to libarchive. It must outlive the reading.
    func open(in archive: OpaquePointer) -> CInt {
        switch content {
        case .file(let descriptor): archive_read_open_fd(archive, descriptor, 256 << 10)
        case .memory(let bytes): archive_read_open_memory(archive, bytes.baseAddress, Int(size))
        }
    }

    /// Exactly so many bytes.
    ///
    /// - Throws: ``ArchiveError/malformedArchive`` when they do not all lie in the file.
    package func bytes(at offset: Int64, count: Int) throws(ArchiveError) -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= size, Int64(count) <= size - offset else { throw .malformedArchive }
        var bytes = [UInt8](repeating: 0, count: count)
        let have = bytes.withUnsafeMutableBytes { read(into: $0, at: offset) }
        guard have >= 0 else { throw .lastStorageError() }
        guard have == count else { throw .malformedArchive }
        return bytes
    }

    /// - Returns: How many bytes were read, fewer only at the end of the file; -1 with `errno` set when that failed.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        switch content {
        case .file(let descriptor): return Self.read(descriptor, into: buffer, at: offset)
        case .memory(let bytes):
            let count = Int(min(Int64(buffer.count), max(0, size - offset)))
            guard count > 0 else { return 0 }
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset) + count]))
            return count
        }
    }

    private static func read(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) -> Int {
        var have = 0
        while have < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress.map { $0 + have }, buffer.count - have, off_t(offset) + off_t(have))
            if count < 0 {
                if errno == EINTR { continue }
                return -1
            }
            if count == 0 { break }
            have += count
        }
        return have
    }
}

extension Array<UInt8> {
    /// An integer as ZIP writes it. The caller has made sure that it lies inside.
    func littleEndian<Integer: FixedWidthInteger>(at offset: Int, as: Integer.Type = Integer.self) -> Integer {
        withUnsafeBytes { Integer(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Integer.self)) }
    }
}
