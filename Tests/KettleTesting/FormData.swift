/// A `multipart/form-data` body, as browsers and curl write it.
package struct FormData: Sendable {
    package static let boundary = "kettle-test-boundary-7d1f"
    package static let contentType = "multipart/form-data; boundary=\(boundary)"

    private var bytes: [UInt8] = []

    package init() {}

    package init(fields: [String: String]) {
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) { add(name, value) }
    }

    package init(source: [UInt8], named filename: String = "source.zip") {
        add(file: "source", source, named: filename)
    }

    package mutating func add(_ name: String, _ value: String) {
        let header = "Content-Disposition: form-data; name=\"\(name)\""
        bytes += Array("--\(Self.boundary)\r\n\(header)\r\n\r\n\(value)\r\n".utf8)
    }

    package mutating func add(file name: String, _ contents: [UInt8], named filename: String) {
        bytes += Array(
            """
            --\(Self.boundary)\r
            Content-Disposition: form-data; name="\(name)"; filename="\(filename)"\r
            Content-Type: application/octet-stream\r
            \r

            """.utf8)
        bytes += contents + Array("\r\n".utf8)
    }

    package var encoded: [UInt8] { bytes + Array("--\(Self.boundary)--\r\n".utf8) }
}
