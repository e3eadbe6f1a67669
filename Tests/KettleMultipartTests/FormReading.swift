import KettleMultipart

/// A form as its reader saw it, with each part's content joined.
struct ReadForm: Equatable {
    struct Part: Equatable {
        var headers: MultipartHeaders
        var content: [UInt8]
        var isComplete = false

        var text: String { String(decoding: content, as: UTF8.self) }
    }

    var parts: [Part] = []
    var ended = false

    /// Reads `body` in pieces of the given sizes, the last of which is used again to the end.
    init(_ body: [UInt8], boundary: String = "XX", limits: MultipartLimits = MultipartLimits(), pieces: [Int] = [.max])
        throws
    {
        var parser = try MultipartParser(boundary: boundary, limits: limits)
        var form = ReadForm()
        var start = 0
        var sizes = pieces[...]
        while start < body.count {
            let size = sizes.count > 1 ? sizes.removeFirst() : sizes.first ?? .max
            let end = size >= body.count - start ? body.count : start + size
            try body.withUnsafeBytes { bytes in
                try parser.consume(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) { form.take($0) }
            }
            start = end
        }
        try parser.finish()
        self = form
    }

    private init() {}

    private mutating func take(_ event: MultipartEvent) {
        switch event {
        case .partBegan(let headers): parts.append(Part(headers: headers, content: []))
        case .body(let bytes): parts[parts.count - 1].content.append(contentsOf: bytes)
        case .partEnded: parts[parts.count - 1].isComplete = true
        case .ended: ended = true
        }
    }
}

/// A form's bytes from lines that end in CRLF, the last one too.
func form(_ lines: String...) -> [UInt8] { Array(lines.map { $0 + "\r\n" }.joined().utf8) }
