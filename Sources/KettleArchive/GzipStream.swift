import CArchive
import CZlib
import Glibc

/// The content of a gzip file: one member or several, one behind the other (RFC 1952, section 2.2).
///
/// libarchive's own gzip filter checks neither checksum nor length and takes whatever follows a member for the end. Here
/// zlib checks both, and a file that goes on with something that is no member is refused. Keeps two blocks in memory.
package final class GzipStream {
    private let file: ArchiveFile
    private let limits: ArchiveLimits
    private let stream: UnsafeMutablePointer<z_stream>
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    private var position: Int64 = 0
    private var inflated: Int64 = 0
    private var state = State.ready
    /// Behind the last byte that is not zero, in what was inflated.
    private var end: Int64 = 0

    /// Why there is no more, when ``next()`` was called by libarchive, which knows no such errors.
    package private(set) var failure: ArchiveError?

    private enum State {
        case ready
        case inMember
        case ended
    }

    package init(_ file: ArchiveFile, within limits: ArchiveLimits) throws(ArchiveError) {
        self.file = file
        self.limits = limits
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // zlib.h, inflateInit2: the largest window, 15, and 16 for a gzip header and trailer alone.
        let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw .storage(errno: ENOMEM) }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
        output.deallocate()
    }

    /// The next bytes, valid until the next call; empty at the end.
    package func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
        if let failure { throw failure }
        do throws(ArchiveError) {
            return try inflateNext()
        } catch {
            failure = error
            throw error
        }
    }

    /// Reads to the end of the file and refuses what follows the end of a tar archive, but zeros: tar fills its last record
    /// with them, whose size its user chooses (`tar -b`).
    ///
    /// - Parameter end: How much of the content the archive takes.
    package func finish(after end: Int64) throws(ArchiveError) {
        let most = end + (1 << 20)
        while try !next().isEmpty, inflated <= most {}
        guard self.end <= end, inflated <= most else { throw .trailingBytes }
    }

    private func inflateNext() throws(ArchiveError) -> UnsafeRawBufferPointer {
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = uInt(output.count)
        while stream.pointee.avail_out > 0, state != .ended {
            if stream.pointee.avail_in == 0, try !fill() {
                guard state == .ready, position > 0 else { throw .cutOff }
                state = .ended
                break
            }
            try step()
        }
        let count = output.count - Int(stream.pointee.avail_out)
        let block = UnsafeRawBufferPointer(rebasing: output[..<count])
        if let last = block.lastIndex(where: { $0 != 0 }) { end = inflated + Int64(last) + 1 }
        try countInflated(Int64(count))
        return block
    }

    /// - Returns: False at the end of the file.
    private func fill() throws(ArchiveError) -> Bool {
        let count = file.read(into: input, at: position)
        guard count >= 0 else { throw .lastStorageError() }
        position += Int64(count)
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_in = uInt(count)
        return count > 0
    }

    private func step() throws(ArchiveError) {
        if state == .ready {
            // Between members: what does not begin like one is something else.
            guard stream.pointee.next_in?.pointee == 0x1F else { throw .trailingBytes }
            state = .inMember
        }
        switch inflate(stream, Z_NO_FLUSH) {
        case Z_OK: break
        case Z_STREAM_END:
            guard inflateReset(stream) == Z_OK else { throw .malformedArchive }
            state = .ready
        case Z_MEM_ERROR: throw .storage(errno: ENOMEM)
        default: throw .malformedArchive
        }
    }

    /// Bounds what is inflated also where no entry comes of it, such as headers without end.
    private func countInflated(_ count: Int64) throws(ArchiveError) {
        inflated += count
        guard inflated > limits.ratioFloorBytes else { return }
        let (allowed, isUnbounded) = file.size.multipliedReportingOverflow(by: limits.ratio)
        guard isUnbounded || inflated <= allowed else { throw .ratioExceeded(limit: limits.ratio) }
    }
}
