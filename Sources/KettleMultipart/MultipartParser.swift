import Glibc

/// How much of a form is read before it is refused.
package struct MultipartLimits: Sendable, Hashable {
    /// How many parts there may be.
    package var parts: Int
    /// How long one part's headers may be together.
    package var headerBytes: Int
    /// How many headers one part may have.
    package var headers: Int
    /// How much may stand before the first boundary, and how much after the last.
    package var preambleBytes: Int
    /// How long the whole body may be.
    package var totalBytes: Int64

    package init(
        parts: Int = 16, headerBytes: Int = 8192, headers: Int = 16, preambleBytes: Int = 1024,
        totalBytes: Int64 = .max
    ) {
        self.parts = parts
        self.headerBytes = headerBytes
        self.headers = headers
        self.preambleBytes = preambleBytes
        self.totalBytes = totalBytes
    }
}

/// What a form holds, in the order in which it arrives.
package enum MultipartEvent {
    /// A part begins. Names may repeat.
    case partBegan(MultipartHeaders)
    /// Some of the part's content, not empty, valid until the handler returns.
    case body(UnsafeRawBufferPointer)
    /// The part is complete.
    case partEnded
    /// The last boundary was read. What may follow it means nothing.
    case ended
}

/// Reads a `multipart/form-data` body (RFC 7578 on RFC 2046 §5.1) as it arrives, in pieces of any size.
///
/// It holds no more than one part's headers: content goes to the handler as slices of the bytes that came in. Line ends are
/// CRLF and nothing else, since a parser that takes a bare LF for one reads another form than the one before it did.
package struct MultipartParser: Sendable {
    /// Where in the form the next byte stands.
    private enum State {
        /// Before the first boundary.
        case preamble
        /// Directly after a boundary: is it the last, and does its line end?
        case delimiterTail
        /// After `--boundary` and one more dash.
        case closingDash
        /// In the blanks that may follow a boundary on its line.
        case padding
        /// After the CR that ends a boundary's line.
        case delimiterLineFeed
        case headers
        case body
        case epilogue
        case failed(MultipartError)
    }

    private let limits: MultipartLimits
    private let delimiter: MultipartDelimiter
    private var state = State.preamble
    /// How much of the delimiter the bytes before the current one match. Where a match breaks off, all of it is content,
    /// and only the next byte can begin another.
    private var matched = 2
    /// How much of `matched` is no content although a match breaks off, because that line end was read as something else:
    /// the start of the body, or the empty line after the headers.
    private var assumed = 2
    private var total: Int64 = 0
    /// Bytes outside all parts: first the preamble, then the epilogue.
    private var outside = 0
    private var part = 0
    private var headerBlock: [UInt8] = []
    private var lineStart = 0
    private var headerReader = MultipartHeaderReader(part: 0)

    /// A parser of one body.
    ///
    /// - Parameter boundary: As ``MultipartBoundary/parse(contentType:)`` gives it.
    /// - Throws: ``MultipartError/invalidBoundary(boundary:)``.
    package init(boundary: String, limits: MultipartLimits = MultipartLimits()) throws(MultipartError) {
        try MultipartBoundary.check(boundary)
        self.limits = limits
        delimiter = MultipartDelimiter(boundary: boundary)
    }

    /// Reads the next piece of the body.
    ///
    /// - Parameters:
    ///   - bytes: Any number of bytes, also none.
    ///   - handle: Called for each event while `bytes` are valid. What it throws is passed on and ends the parsing.
    /// - Throws: A ``MultipartError``, also again at each later call; or what `handle` throws.
    package mutating func consume(
        _ bytes: UnsafeRawBufferPointer, _ handle: (MultipartEvent) throws -> Void
    ) throws {
        if case .failed(let error) = state { throw error }
        do {
            let (sum, overflow) = total.addingReportingOverflow(Int64(bytes.count))
            guard !overflow, sum <= limits.totalBytes else {
                throw MultipartError.tooLarge(limitInBytes: limits.totalBytes)
            }
            total = sum
            var rest = bytes
            while !rest.isEmpty {
                let taken = try step(rest, handle)
                rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
            }
        } catch {
            state = .failed(error as? MultipartError ?? .afterFailure)
            throw error
        }
    }

    /// Ends the body.
    ///
    /// - Throws: ``MultipartError/cutOff`` unless the last boundary was read, or the error that ended the parsing.
    package func finish() throws(MultipartError) {
        switch state {
        case .epilogue: return
        case .failed(let error): throw error
        default: throw .cutOff
        }
    }

    /// Reads at most to the end of the state.
    ///
    /// - Returns: How many bytes were read: none only where a match broke off, which the next step finds out.
    private mutating func step(
        _ bytes: UnsafeRawBufferPointer, _ handle: (MultipartEvent) throws -> Void
    ) throws -> Int {
        switch state {
        case .preamble, .body: return try searchDelimiter(bytes, handle)
        case .headers: return try readHeaders(bytes, handle)
        case .epilogue:
            try countOutside(bytes.count, .epilogueTooLong(limitInBytes: limits.preambleBytes))
            return bytes.count
        case .delimiterTail:
            switch bytes[0] {
            case UInt8(ascii: "-"): state = .closingDash
            case 0x20, 0x09: state = .padding
            case 0x0D: state = .delimiterLineFeed
            default: throw MultipartError.malformedDelimiter(part: part)
            }
        case .closingDash:
            guard bytes[0] == UInt8(ascii: "-") else { throw MultipartError.malformedDelimiter(part: part) }
            state = .epilogue
            outside = 0
            try handle(.ended)
        case .padding:
            // Counted like the preamble, and so bounded.
            try countOutside(1, .malformedDelimiter(part: part))
            switch bytes[0] {
            case 0x20, 0x09: break
            case 0x0D: state = .delimiterLineFeed
            default: throw MultipartError.malformedDelimiter(part: part)
            }
        case .delimiterLineFeed:
            guard bytes[0] == 0x0A else { throw MultipartError.malformedDelimiter(part: part) }
            try beginPart()
        case .failed(let error): throw error
        }
        return 1
    }

    // MARK: - Content

    /// Passes content on, up to the next delimiter or to a beginning of one at the end of `bytes`.
    private mutating func searchDelimiter(
        _ bytes: UnsafeRawBufferPointer, _ handle: (MultipartEvent) throws -> Void
    ) throws -> Int {
        if matched > 0 { return try continueMatch(bytes, handle) }
        if let position = delimiter.firstPosition(in: bytes) {
            try pass(UnsafeRawBufferPointer(rebasing: bytes[..<position]), handle)
            try endContent(handle)
            return position + delimiter.bytes.count
        }
        matched = delimiter.lengthOfBeginning(atEndOf: bytes)
        try pass(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - matched)]), handle)
        return bytes.count
    }

    /// Goes on where the bytes before matched a beginning of the delimiter.
    private mutating func continueMatch(
        _ bytes: UnsafeRawBufferPointer, _ handle: (MultipartEvent) throws -> Void
    ) throws -> Int {
        var taken = 0
        let delimiter = delimiter.bytes
        while taken < bytes.count, matched < delimiter.count, bytes[taken] == delimiter[matched] {
            taken += 1
            matched += 1
        }
        if matched == delimiter.count {
            try endContent(handle)
        } else if taken < bytes.count {
            // The bytes that matched are gone, and the delimiter has the same ones.
            let content = assumed..<matched
            matched = 0
            if !content.isEmpty {
                try delimiter.withUnsafeBytes { bytes in
                    try pass(UnsafeRawBufferPointer(rebasing: bytes[content]), handle)
                }
            }
            assumed = 0
        }
        return taken
    }

    private mutating func pass(
        _ content: UnsafeRawBufferPointer, _ handle: (MultipartEvent) throws -> Void
    ) throws {
        guard !content.isEmpty else { return }
        if case .body = state {
            try handle(.body(content))
        } else {
            try countOutside(content.count, .preambleTooLong(limitInBytes: limits.preambleBytes))
        }
    }

    private mutating func endContent(_ handle: (MultipartEvent) throws -> Void) throws {
        matched = 0
        assumed = 0
        outside = 0
        if case .body = state { try handle(.partEnded) }
        state = .delimiterTail
    }

    private mutating func countOutside(_ count: Int, _ error: MultipartError) throws(MultipartError) {
        outside += count
        guard outside <= limits.preambleBytes else { throw error }
    }

    // MARK: - Headers

    private mutating func beginPart() throws(MultipartError) {
        guard part < limits.parts else { throw .tooManyParts(limit: limits.parts) }
        part += 1
        headerReader = MultipartHeaderReader(part: part)
        headerBlock.removeAll(keepingCapacity: true)
        lineStart = 0
        state = .headers
    }

    /// Reads up to the end of one line, and begins the content at the empty one.
    private mutating func readHeaders(
        _ bytes: UnsafeRawBufferPointer, _ handle: (MultipartEvent) throws -> Void
    ) throws -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        let lineFeed = memchr(base, 0x0A, bytes.count).map { UnsafeRawPointer($0) - base }
        let taken = lineFeed.map { $0 + 1 } ?? bytes.count
        guard taken <= limits.headerBytes - headerBlock.count else {
            throw MultipartError.headersTooLong(part: part, limitInBytes: limits.headerBytes)
        }
        headerBlock.append(contentsOf: bytes[..<taken])
        guard lineFeed != nil else { return taken }

        var line = headerBlock[lineStart...]
        line.removeLast()
        guard line.popLast() == 0x0D else { throw MultipartError.malformedHeader(part: part) }
        lineStart = headerBlock.count
        guard line.isEmpty else {
            try headerReader.take(line, limit: limits.headers)
            return taken
        }

        let headers = try headerReader.finish()
        state = .body
        // RFC 2046 §5.1.1: a part may have no content at all, and then the delimiter's CRLF is the empty line itself.
        matched = 2
        assumed = 2
        try handle(.partBegan(headers))
        return taken
    }
}
