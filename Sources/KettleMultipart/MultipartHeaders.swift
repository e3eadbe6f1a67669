/// What the headers of one part say.
///
/// Everything here was written by the client: a file name is a label and never a path.
package struct MultipartHeaders: Sendable, Hashable {
    /// The form field's name, never empty.
    package var name: String

    /// The file's name where the part is a file. `filename*` is passed over, as RFC 7578 §4.2 asks.
    package var filename: String?

    /// The part's media type, as it stands in its `Content-Type`.
    package var contentType: String?

    package init(name: String, filename: String? = nil, contentType: String? = nil) {
        self.name = name
        self.filename = filename
        self.contentType = contentType
    }
}

/// The headers of one part while they arrive, a line at a time.
struct MultipartHeaderReader {
    /// The part's number, from 1, for errors.
    let part: Int
    private var count = 0
    private var disposition: String?
    private var contentType: String?
    private var encoding: String?

    init(part: Int) {
        self.part = part
    }

    /// Takes a line in.
    ///
    /// - Parameters:
    ///   - line: A header without its CRLF, not empty.
    ///   - limit: How many headers a part may have.
    mutating func take(_ line: ArraySlice<UInt8>, limit: Int) throws(MultipartError) {
        if line.first == 0x20 || line.first == 0x09 { throw .foldedHeader(part: part) }
        count += 1
        guard count <= limit else { throw .tooManyHeaders(part: part, limit: limit) }
        guard line.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }),
            let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy(HeaderParameters.isTokenByte)
        else { throw .malformedHeader(part: part) }
        guard let text = String(validating: line[(colon + 1)...], as: UTF8.self) else {
            throw .headerNotUTF8(part: part)
        }

        let value = text.trimmingBlanks()
        switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
        case "content-disposition": try set(&disposition, to: value, name: "Content-Disposition")
        case "content-type": try set(&contentType, to: value, name: "Content-Type")
        case "content-transfer-encoding": try set(&encoding, to: value, name: "Content-Transfer-Encoding")
        default: break  // RFC 7578 §4.8: other headers are ignored.
        }
    }

    /// The part's headers, once all are read.
    func finish() throws(MultipartError) -> MultipartHeaders {
        if let encoding, !["7bit", "8bit", "binary"].contains(encoding.lowercased()) {
            throw .unsupportedEncoding(part: part, encoding: encoding)
        }
        guard let disposition else { throw .noDisposition(part: part) }
        let parsed: HeaderParameters
        do {
            parsed = try HeaderParameters(parsing: disposition)
        } catch {
            switch error {
            case .malformed: throw .malformedParameter(part: part)
            case .duplicate(let name): throw .duplicateParameter(part: part, name: name)
            }
        }
        guard parsed.value == "form-data" else { throw .wrongDisposition(part: part, disposition: parsed.value) }
        guard let name = parsed["name"], !name.isEmpty else { throw .noName(part: part) }
        return MultipartHeaders(name: name, filename: parsed["filename"], contentType: contentType)
    }

    private func set(_ field: inout String?, to value: String, name: String) throws(MultipartError) {
        guard field == nil else { throw .duplicateHeader(part: part, name: name) }
        field = value
    }
}
