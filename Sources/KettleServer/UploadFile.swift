import Glibc
import KettleArchive
import KettleProvenance
import KettleSandbox
import KettleSource
import KettleStore
import NIOCore
import NIOPosix
import Synchronization
import SystemPackage

/// An uploaded archive on its way to the disk: hashed while it is written, and held whole only if it is small.
///
/// The bytes collect in a block; a full block goes to a thread, which hashes and writes it while the next one fills. The
/// writer waits for the block before, so at most two are in memory and a slow disk holds back the socket.
struct UploadFile: ~Copyable {
    private static let blockSize = 512 << 10

    private let threads: NIOThreadPool
    private let memoryLimit: Int64
    private let sink: Sink
    private var block = ByteBuffer()
    private var inFlight: Task<Void, any Error>?
    private(set) var size: Int64 = 0
    /// The archive's kind by its first bytes, nil while there are none or when they are of no archive.
    private(set) var format: ArchiveFormat?

    /// - Parameters:
    ///   - path: Where the file is made, if it is.
    ///   - memoryLimit: An archive of at most so many bytes stays in memory: making and removing a file costs more than all else
    ///     there is to do for a small one.
    init(at path: FilePath, memoryLimit: Int64 = 64 << 10, on threads: NIOThreadPool) {
        self.threads = threads
        self.memoryLimit = memoryLimit
        sink = Sink(path: path)
    }

    /// Whether so much has collected that ``flush()`` should be called before more is appended.
    var isBlockFull: Bool { block.readableBytes >= Self.blockSize }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if size == 0 { block.reserveCapacity(min(bytes.count * 2, Self.blockSize * 2)) }
        block.writeBytes(bytes)
        size += Int64(bytes.count)
    }

    /// Hands the collected bytes to the disk, once it has taken those before.
    mutating func flush() async throws {
        recognise()
        try await inFlight?.value
        let full = block
        block = ByteBuffer()
        block.reserveCapacity(Self.blockSize + (128 << 10))
        inFlight = Task { [threads, sink] in
            try await threads.runIfActive { try sink.write(full) }
        }
    }

    /// Writes what is left; the digest is of everything that was appended.
    mutating func finish() async throws -> (UploadedArchive, ContentDigest) {
        recognise()
        if size <= memoryLimit {
            let bytes = Array(block.readableBytesView)
            return (.memory(bytes), ContentDigest(of: bytes))
        }
        try await inFlight?.value
        inFlight = nil
        let (rest, sink) = (block, sink)
        block = ByteBuffer()
        let digest = try await threads.runIfActive {
            try sink.write(rest)
            return sink.finish()
        }
        return (.file(sink.path), digest)
    }

    /// Waits until nothing more is written.
    func settle() async {
        _ = await inFlight?.result
    }

    private mutating func recognise() {
        guard format == nil, size == Int64(block.readableBytes) else { return }
        format = block.withUnsafeReadableBytes { ArchiveFormat.recognise(prefix: $0) }
    }

    /// The file and its hash. One block at a time comes here, but each on whichever thread is free.
    private final class Sink: Sendable {
        private struct State: ~Copyable {
            var file: NewFile?
            var hasher = ContentHasher()
        }

        let path: FilePath
        private let state = Mutex(State())

        init(path: FilePath) { self.path = path }

        func write(_ block: ByteBuffer) throws {
            try state.withLock { state in
                if state.file == nil { state.file = try NewFile(at: path, called: "the upload") }
                try block.withUnsafeReadableBytes { bytes in
                    state.hasher.update(bytes)
                    try state.file?.write(bytes)
                }
            }
        }

        func finish() -> ContentDigest {
            state.withLock { state in
                state.file = nil
                return state.hasher.finalize()
            }
        }
    }
}
