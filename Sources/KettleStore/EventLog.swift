import Glibc
package import NIOCore
package import NIOPosix
import Synchronization
package import SystemPackage

/// The events of one build, numbered from 1, as the Server-Sent Events frames that every reader gets.
///
/// The file holds frames and nothing else, each `id: N`, one `data:` line and a blank line, so a replay is a copy of bytes.
/// It is written before readers are woken: an event that anyone saw is found again, even after `kill -9`.
///
/// Shared between the pipeline that appends and the HTTP responses that read. A reader that is up to date gets new frames
/// from memory; one that lags reads the file at its own pace, so a slow reader costs no memory and loses nothing.
package final class EventLog: Sendable {
    /// Newest frames kept in memory, in bytes.
    static let tailLimit = 256 << 10

    private struct State {
        var length: Int64 = 0
        var count = 0
        var hasEnded = false
        /// Whether the last event is there; false where the build goes on at the next start of the service.
        var isWhole = true
        /// Frames by where they begin in the file, oldest first, together at most ``tailLimit`` or one entry.
        var tail: [(start: Int64, frames: ByteBuffer)] = []
        var tailBytes = 0
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var idle: Set<UInt64> = []
        var nextWaiter: UInt64 = 0
    }

    private let state: Mutex<State>
    private let descriptor: CInt
    /// Where the last frame begins that the log had when it was opened.
    private let lastStart: Int64

    /// Begins the log of a new build.
    ///
    /// - Throws: ``StoreError/writeFailed(what:reason:)``, also when the file exists.
    package init(creatingAt path: FilePath) throws(StoreError) {
        descriptor = open(path.string, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .writeFailed(what: "the event log", reason: String(cString: strerror(errno)))
        }
        lastStart = 0
        state = Mutex(State())
    }

    /// Opens the log of a build that has ended, or that the last process left in the middle.
    ///
    /// What follows the last whole frame, which a crash may leave, is cut off.
    package init(openingAt path: FilePath, isWritable: Bool) throws(StoreError) {
        descriptor = open(path.string, (isWritable ? O_RDWR | O_APPEND : O_RDONLY) | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .readFailed(what: "the event log", reason: String(cString: strerror(errno)))
        }
        var state = State()
        state.length = max(0, Int64(lseek(descriptor, 0, SEEK_END)))
        state.hasEnded = !isWritable
        var lastStart: Int64 = 0
        if isWritable {
            let frames = Frames(scanning: descriptor, to: state.length)
            lastStart = frames.lastStart
            state.count = frames.count
            state.length = frames.end
            ftruncate(descriptor, off_t(frames.end))
        }
        self.lastStart = lastStart
        self.state = Mutex(state)
    }

    deinit { close(descriptor) }

    /// The number of events so far.
    package var count: Int { state.withLock { $0.count } }

    /// The last event that the log had when it was opened for writing, nil when it was empty.
    package func last() throws(StoreError) -> [UInt8]? {
        let length = state.withLock { $0.length }
        guard lastStart < length else { return nil }
        let frame = try readFrames(from: lastStart, to: length).readableBytesView
        // The second line without its field name, and without the two line breaks that end the frame.
        guard let lineBreak = frame.firstIndex(of: 0x0A) else { return nil }
        return Array(frame[(lineBreak + 1)...].dropFirst("data: ".utf8.count).dropLast(2))
    }

    /// Adds events in order and wakes the readers. After ``end()`` nothing is added.
    ///
    /// - Parameter events: Each one JSON object, without a line break.
    /// - Throws: ``StoreError/writeFailed(what:reason:)``; then none of them counts.
    package func append(_ events: [[UInt8]]) throws(StoreError) {
        let woken = try state.withLock { state throws(StoreError) in
            guard !state.hasEnded, !events.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            var frames = ByteBuffer()
            frames.reserveCapacity(events.reduce(0) { $0 + $1.count + 32 })
            for (index, event) in events.enumerated() {
                frames.writeString("id: \(state.count + index + 1)\ndata: ")
                frames.writeBytes(event)
                frames.writeString("\n\n")
            }
            try write(frames, at: state.length)
            state.tail.append((state.length, frames))
            state.tailBytes += frames.readableBytes
            while state.tailBytes > Self.tailLimit, state.tail.count > 1 {
                state.tailBytes -= state.tail.removeFirst().frames.readableBytes
            }
            state.length += Int64(frames.readableBytes)
            state.count += events.count
            return Self.takeWaiting(&state)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Says that no event follows, at least not here.
    ///
    /// - Parameter isWhole: Whether the build has ended. If not, readers are told to come again.
    package func end(isWhole: Bool = true) {
        let woken = state.withLock { state in
            state.hasEnded = true
            state.isWhole = isWhole
            return Self.takeWaiting(&state)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Wakes the readers that wait, with ``Reader/Step/idle``, so that they can show their client a sign of life.
    package func wakeIdleReaders() {
        let woken = state.withLock { state in
            state.idle.formUnion(state.waiting.keys)
            return Self.takeWaiting(&state)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Reads the events after number `last`, then follows.
    package func reader(after last: Int, on threads: NIOThreadPool) async throws -> Reader {
        guard last > 0 else { return Reader(log: self, threads: threads, position: 0) }
        let length = state.withLock { $0.length }
        let position = try await threads.runIfActive { [self] in
            Frames(scanning: descriptor, to: length, stoppingAfter: last).end
        }
        return Reader(log: self, threads: threads, position: position)
    }

    private static func takeWaiting(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        defer { state.waiting.removeAll(keepingCapacity: true) }
        return Array(state.waiting.values)
    }

    /// Appends at the end of what counts; a write that fails half-way is cut off again.
    private func write(_ frames: ByteBuffer, at start: Int64) throws(StoreError) {
        do {
            try frames.withUnsafeReadableBytes { try NewFile.write($0, to: descriptor, called: "the event log") }
        } catch {
            ftruncate(descriptor, off_t(start))
            throw error as? StoreError ?? .writeFailed(what: "the event log", reason: "unknown error")
        }
    }
}

extension EventLog {
    /// One reader's place in a log.
    package struct Reader: Sendable {
        package enum Step: Sendable {
            /// Whole frames, at least one.
            case frames(ByteBuffer)
            /// Nothing has happened for a while.
            case idle
            /// The build has ended and every event was read.
            case end
            /// Every event was read that there is until the service begins the build again.
            case interrupted
        }

        fileprivate let log: EventLog
        fileprivate let threads: NIOThreadPool
        fileprivate var position: Int64
        /// Whether what is not there yet is waited for; else the reader ends where the log does.
        package var isFollowing = true

        /// The next frames, waiting for them if there are none yet.
        ///
        /// - Throws: ``StoreError`` when the file cannot be read, and `CancellationError`.
        package mutating func next() async throws -> Step {
            while true {
                try Task.checkCancellation()
                switch log.look(at: position) {
                case .inMemory(let frames):
                    position += Int64(frames.readableBytes)
                    return .frames(frames)
                case .onDisk(let limit):
                    let start = position
                    let log = log
                    let frames = try await threads.runIfActive { try log.readFrames(from: start, to: limit) }
                    position += Int64(frames.readableBytes)
                    return .frames(frames)
                case .upToDate:
                    guard isFollowing else { return .end }
                    if await log.wait(beyond: position) { return .idle }
                case .end(let isWhole):
                    return isWhole || !isFollowing ? .end : .interrupted
                }
            }
        }
    }

    private enum View {
        case inMemory(ByteBuffer), onDisk(upTo: Int64), upToDate, end(isWhole: Bool)
    }

    /// One write to a socket carries at most this much, unless a single frame is larger.
    private static let blockSize = 64 << 10

    private func look(at position: Int64) -> View {
        state.withLock { state in
            guard position < state.length else {
                return state.hasEnded ? .end(isWhole: state.isWhole) : .upToDate
            }
            guard let first = state.tail.first, first.start <= position else { return .onDisk(upTo: state.length) }
            var low = 0
            var high = state.tail.count
            while high - low > 1 {
                let middle = (low + high) / 2
                if state.tail[middle].start <= position { low = middle } else { high = middle }
            }
            // A reader from memory always stands where an entry begins: it took whole entries, or the file's frames.
            guard state.tail[low].start == position else {
                return .onDisk(upTo: state.tail[low].start + Int64(state.tail[low].frames.readableBytes))
            }
            var frames = state.tail[low].frames
            for entry in state.tail[(low + 1)...] {
                guard frames.readableBytes + entry.frames.readableBytes <= Self.blockSize else { break }
                frames.writeImmutableBuffer(entry.frames)
            }
            return .inMemory(frames)
        }
    }

    /// Waits until there is more than `position`, or the build has ended, or ``wakeIdleReaders()``.
    ///
    /// - Returns: Whether the wait ended for nothing.
    private func wait(beyond position: Int64) async -> Bool {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard position >= state.length, !state.hasEnded, !Task.isCancelled else { return false }
                    state.waiting[id] = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
        }
        return state.withLock { $0.idle.remove(id) != nil && position >= $0.length && !$0.hasEnded }
    }

    /// Reads whole frames: as many as fit in a block, or one that is larger.
    private func readFrames(from start: Int64, to limit: Int64) throws(StoreError) -> ByteBuffer {
        var size = Self.blockSize
        while true {
            let wanted = Int(min(Int64(size), limit - start))
            var buffer = ByteBuffer()
            let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { bytes in
                max(0, pread(descriptor, bytes.baseAddress, wanted, off_t(start)))
            }
            guard count > 0 else {
                throw .readFailed(what: "the event log", reason: String(cString: strerror(errno)))
            }
            let end = buffer.withUnsafeReadableBytes { bytes in
                var index = bytes.count
                while index >= 2 {
                    if bytes[index - 1] == 0x0A, bytes[index - 2] == 0x0A { return index }
                    index -= 1
                }
                return 0
            }
            if end > 0, let frames = buffer.readSlice(length: end) { return frames }
            guard Int64(wanted) < limit - start else {
                throw .readFailed(what: "the event log", reason: "it ends in the middle of an event")
            }
            size *= 2
        }
    }
}

/// Where the frames of a log's file end.
private struct Frames {
    /// Whole frames found.
    var count = 0
    /// The offset behind the last of them.
    var end: Int64 = 0
    /// The offset of the last of them.
    var lastStart: Int64 = 0

    /// Counts frames from the beginning of the file.
    init(scanning descriptor: CInt, to length: Int64, stoppingAfter limit: Int = .max) {
        var offset: Int64 = 0
        var previousIsNewline = false
        let block = 256 << 10
        withUnsafeTemporaryAllocation(byteCount: block, alignment: 16) { bytes in
            while offset < length, count < limit {
                let read = pread(descriptor, bytes.baseAddress, Int(min(Int64(block), length - offset)), off_t(offset))
                guard read > 0 else { return }
                for index in 0..<read {
                    let isNewline = bytes[index] == 0x0A
                    if isNewline, previousIsNewline {
                        count += 1
                        lastStart = end
                        end = offset + Int64(index) + 1
                        if count == limit { return }
                        previousIsNewline = false
                    } else {
                        previousIsNewline = isNewline
                    }
                }
                offset += Int64(read)
            }
        }
    }
}
