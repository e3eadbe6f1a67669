import KettleMultipart

/// What came out of the parser for a form, up to its end or to an error.
struct FormReading {
    struct Part: Equatable {
        var headers: MultipartHeaders
        var content: [UInt8] = []
        var isComplete = false
    }

    private(set) var parts: [Part] = []
    private(set) var hasEnded = false
    private(set) var error: MultipartError?

    init(_ form: FuzzedForm, inPieces: Bool) {
        do {
            var parser = try MultipartParser(boundary: form.boundary, limits: form.limits)
            do {
                for piece in inPieces ? form.body.cut(form.pieces) : [form.body[...]] {
                    try piece.withUnsafeBytes { bytes in try parser.consume(bytes) { take($0) } }
                }
                try parser.finish()
            } catch {
                self.error = error as? MultipartError
                expect(self.error != nil, "no other error than a MultipartError, and not \(error)")
                checkRefusal(&parser)
            }
        } catch {
            fatalError("the boundary \"\(form.boundary)\" was refused: \(error)")
        }
    }

    private mutating func take(_ event: MultipartEvent) {
        expect(!hasEnded, "no event after the end")
        switch event {
        case .partBegan(let headers):
            expect(parts.last?.isComplete ?? true, "a part to end before the next begins")
            parts.append(Part(headers: headers))
        case .body(let bytes):
            expect(!bytes.isEmpty, "content that is not empty")
            expect(parts.last?.isComplete == false, "content inside a part")
            parts[parts.count - 1].content.append(contentsOf: bytes)
        case .partEnded:
            expect(parts.last?.isComplete == false, "a part to end once, after it began")
            parts[parts.count - 1].isComplete = true
        case .ended:
            expect(parts.last?.isComplete ?? true, "the last part to end before the form")
            hasEnded = true
        }
    }

    /// Whoever goes on after an error hears of it again, and gets no more events.
    private func checkRefusal(_ parser: inout MultipartParser) {
        guard error != .cutOff else { return }
        do {
            try [UInt8](repeating: 0x2D, count: 3).withUnsafeBytes { bytes in
                try parser.consume(bytes) { _ in fatalError("an event after an error") }
            }
            fatalError("bytes were taken after an error")
        } catch {
            expect(error as? MultipartError == self.error, "the same error again")
        }
        do throws(MultipartError) {
            try parser.finish()
            fatalError("a body with an error in it ended well")
        } catch {
            expect(error == self.error, "the same error at the end")
        }
    }
}

// MARK: - Rules

extension FormReading {
    func checkRules(of form: FuzzedForm) {
        let delimiter = Array("\r\n--\(form.boundary)".utf8)
        expect(hasEnded || error != nil, "an error where a form has no end")
        expect(parts.count <= form.limits.parts, "no more parts than allowed")
        expect(parts.reduce(0) { $0 + $1.content.count } <= form.body.count, "no more content than there was")
        for part in parts {
            let headers = part.headers
            let headerBytes = headers.name.utf8.count + (headers.filename ?? "").utf8.count
            expect(!headers.name.isEmpty, "a name that is not empty")
            expect(headerBytes <= form.limits.headerBytes, "no more headers than allowed")
            expect(!([0x0D, 0x0A] + part.content).holds(delimiter), "no delimiter in a part's content")
        }
        let incomplete = parts.filter { !$0.isComplete }.count
        expect(incomplete == 0 || (incomplete == 1 && error != nil), "complete parts")
    }

    /// The form as a client would write it.
    func encoded(boundary: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            var header = "--\(boundary)\r\nContent-Disposition: form-data; name=\(Self.quoted(part.headers.name))"
            if let filename = part.headers.filename { header += "; filename=\(Self.quoted(filename))" }
            if let contentType = part.headers.contentType { header += "\r\nContent-Type: \(contentType)" }
            bytes += Array("\(header)\r\n\r\n".utf8) + part.content + [0x0D, 0x0A]
        }
        return bytes + Array("--\(boundary)--\r\n".utf8)
    }

    /// By bytes: a backslash and a combining character after it are one `Character`.
    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        return "\"\(String(decoding: bytes, as: UTF8.self))\""
    }
}

extension [UInt8] {
    /// The bytes in pieces of the given lengths, which are used again and again.
    fileprivate func cut(_ lengths: [Int]) -> [ArraySlice<UInt8>] {
        guard lengths.contains(where: { $0 > 0 }) else { return [self[...]] }
        var pieces: [ArraySlice<UInt8>] = []
        var rest = self[...]
        while !rest.isEmpty {
            let piece = rest.prefix(lengths[pieces.count % lengths.count])
            pieces.append(piece)
            rest = rest[piece.endIndex...]
        }
        return pieces
    }

    fileprivate func holds(_ other: [UInt8]) -> Bool {
        guard count >= other.count else { return false }
        return (0...(count - other.count)).contains { self[$0...].starts(with: other) }
    }
}
