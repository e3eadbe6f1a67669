import Glibc

/// Cuts a stream of bytes into lines at LF, however the stream was cut into pieces.
///
/// A CR before the LF is left out; other control characters, CR among them, stay part of their line. Of a line longer than
/// the maximum the first bytes are handed on and the rest is dropped, so that memory stays bounded.
package struct LineSplitter: Sendable {
    private let maximumLineBytes: Int
    private var carry: [UInt8] = []
    private var isDropping = false

    /// Lines that were cut since the start.
    package private(set) var cutLines = 0

    package init(maximumLineBytes: Int = 64 << 10) {
        self.maximumLineBytes = max(1, maximumLineBytes)
    }

    /// Takes the next piece and hands on each line that it ends, without its line break.
    ///
    /// - Parameter body: Its argument is valid during the call.
    package mutating func split(
        _ chunk: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        var rest = chunk
        while let start = rest.baseAddress, let lineFeed = memchr(start, 0x0A, rest.count) {
            let length = UnsafeRawPointer(lineFeed) - start
            let part = UnsafeRawBufferPointer(rebasing: rest[..<length])
            rest = UnsafeRawBufferPointer(rebasing: rest[(length + 1)...])
            if carry.isEmpty, !isDropping, part.count <= maximumLineBytes {
                try body(part.droppingCarriageReturn)
            } else {
                keep(part)
                try emit(body)
            }
        }
        keep(rest)
    }

    /// Hands on the last line, if the stream did not end with a line break.
    package mutating func finish(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        guard !carry.isEmpty else { return }
        try emit(body)
    }

    private mutating func keep(_ part: UnsafeRawBufferPointer) {
        let room = maximumLineBytes - carry.count
        carry.append(contentsOf: part.prefix(room))
        guard part.count > room, !isDropping else { return }
        // A CR LF that straddles the maximum is not a line that is too long, but counts as one: it is one byte over.
        isDropping = true
        cutLines += 1
    }

    private mutating func emit(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        defer {
            carry.removeAll(keepingCapacity: carry.capacity <= 64 << 10)
            isDropping = false
        }
        try carry.withUnsafeBytes { try body(isDropping ? $0 : $0.droppingCarriageReturn) }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate var droppingCarriageReturn: UnsafeRawBufferPointer {
        last == 0x0D ? UnsafeRawBufferPointer(rebasing: dropLast()) : self
    }
}
