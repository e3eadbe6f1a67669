/// The boundary that a request's `Content-Type` names.
package enum MultipartBoundary {
    /// Finds the boundary.
    ///
    /// - Parameter contentType: The header's value, such as `multipart/form-data; boundary=x`.
    /// - Returns: 1 to 70 characters of RFC 2046's `bchars`, the last one not a space.
    /// - Throws: ``MultipartError/notFormData(contentType:)`` for another media type (an HTTP server answers 415), and other
    ///   cases for one that cannot be read.
    package static func parse(contentType: String) throws(MultipartError) -> String {
        let header: HeaderParameters
        do {
            header = try HeaderParameters(parsing: contentType.trimmingBlanks())
        } catch {
            switch error {
            case .malformed:
                throw contentType.lowercased().trimmingBlanks().hasPrefix("multipart/form-data")
                    ? .malformedContentType(contentType: contentType) : .notFormData(contentType: contentType)
            case .duplicate(let name): throw .duplicateParameter(part: 0, name: name)
            }
        }
        guard header.value == "multipart/form-data" else { throw .notFormData(contentType: contentType) }
        guard let boundary = header["boundary"] else { throw .noBoundary }
        try check(boundary)
        return boundary
    }

    /// RFC 2046 §5.1.1: `boundary := 0*69<bchars> bcharsnospace`.
    static func check(_ boundary: String) throws(MultipartError) {
        let bytes = boundary.utf8
        guard (1...70).contains(bytes.count), bytes.last != 0x20, bytes.allSatisfy(isBoundaryByte) else {
            throw .invalidBoundary(boundary: boundary)
        }
    }

    private static func isBoundaryByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "+"), UInt8(ascii: "_"),
            UInt8(ascii: ","), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ":"),
            UInt8(ascii: "="), UInt8(ascii: "?"), UInt8(ascii: " "):
            true
        default: false
        }
    }
}

extension String {
    /// The text without spaces and tabs at its ends.
    func trimmingBlanks() -> String {
        var view = self[...].utf8
        while let first = view.first, first == 0x20 || first == 0x09 { view.removeFirst() }
        while let last = view.last, last == 0x20 || last == 0x09 { view.removeLast() }
        return String(Substring(view))
    }
}
