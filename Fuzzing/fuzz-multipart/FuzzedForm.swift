import KettleMultipart

/// An input taken apart: four bytes that say how long the pieces are, one that chooses the limits, a line with the
/// request's `Content-Type`, and the body.
struct FuzzedForm {
    /// How long each piece of the body is, over and over. A piece may be empty.
    let pieces: [Int]
    var limits: MultipartLimits
    let boundary: String
    var body: [UInt8]

    init(_ input: UnsafeRawBufferPointer) {
        var rest = input[...]
        pieces = rest.prefix(4).map(Int.init)
        rest = rest.dropFirst(4)
        let isTight = (rest.popFirst() ?? 0) & 1 != 0
        limits =
            isTight
            ? MultipartLimits(parts: 2, headerBytes: 128, headers: 3, preambleBytes: 16, totalBytes: 512)
            : MultipartLimits(parts: 8, headerBytes: 512, headers: 8, preambleBytes: 64, totalBytes: 4096)
        let line = rest.prefix { $0 != 0x0A }
        boundary = Self.boundary(String(decoding: line, as: UTF8.self))
        body = Array(rest[line.endIndex...].dropFirst())
    }

    /// What the parser makes of a `Content-Type`, and another boundary where it refuses it.
    private static func boundary(_ contentType: String) -> String {
        guard let boundary = try? MultipartBoundary.parse(contentType: contentType) else { return "XX" }
        expect((try? MultipartParser(boundary: boundary)) != nil, "the parser to take the boundary \"\(boundary)\"")
        return boundary
    }
}
