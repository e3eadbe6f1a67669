import Glibc
package import KettleAttestation
import NIOCore
import NIOPosix

/// A build request: a source, and what else the service is asked for.
package struct BuildForm: Sendable {
    package enum Source: Sendable {
        /// An archive: an open file, which is read while it is sent and stays open.
        case archive(descriptor: CInt, name: String, size: Int64)
        case repository(url: String, ref: String?)
    }

    package var source: Source
    package var nonce: BuildNonce
    /// The project's folder inside the source.
    package var path: String?
    /// What builds it, by name; nil leaves it to the service.
    package var toolchain: String?
    /// `public` or `private`; nil leaves it to the service.
    package var visibility: String?
    /// Told how many bytes of the archive are sent.
    package var onSent: @Sendable (Int64) -> Void = { _ in }

    package init(
        source: Source, nonce: BuildNonce, path: String? = nil, toolchain: String? = nil, visibility: String? = nil
    ) {
        self.source = source
        self.nonce = nonce
        self.path = path
        self.toolchain = toolchain
        self.visibility = visibility
    }

    private static let pieceBytes = 256 << 10

    /// The form as `multipart/form-data` (RFC 7578). The archive is read as it goes, piece by piece.
    var body: RequestBody {
        // 128 random bits: the source does not hold it.
        let boundary = "kettle-\(BuildNonce.random().hex)"
        var start: [UInt8] = []
        func add(_ name: String, _ value: String) {
            let header = "Content-Disposition: form-data; name=\"\(name)\""
            start += Array("--\(boundary)\r\n\(header)\r\n\r\n\(value)\r\n".utf8)
        }
        add("nonce", nonce.hex)
        if let path { add("path", path) }
        if let toolchain { add("toolchain", toolchain) }
        if let visibility { add("visibility", visibility) }
        let end: [UInt8]
        var file: (descriptor: CInt, size: Int64)?
        switch source {
        case .repository(let url, let ref):
            add("repo_url", url)
            if let ref { add("ref", ref) }
            end = Array("--\(boundary)--\r\n".utf8)
        case .archive(let descriptor, let name, let size):
            let header = "Content-Disposition: form-data; name=\"source\"; filename=\"\(Self.quoted(name))\""
            start += Array("--\(boundary)\r\n\(header)\r\nContent-Type: application/octet-stream\r\n\r\n".utf8)
            end = Array("\r\n--\(boundary)--\r\n".utf8)
            file = (descriptor, size)
        }
        return RequestBody(
            contentType: "multipart/form-data; boundary=\(boundary)",
            length: Int64(start.count) + (file?.size ?? 0) + Int64(end.count)
        ) { [start, file, onSent] send in
            try await send(ByteBuffer(bytes: start))
            if let file { try await Self.send(file.descriptor, size: file.size, onSent, send) }
            try await send(ByteBuffer(bytes: end))
        }
    }

    private static func send(
        _ descriptor: CInt, size: Int64, _ onSent: @Sendable (Int64) -> Void,
        _ send: @Sendable (ByteBuffer) async throws -> Void
    ) async throws {
        var offset: Int64 = 0
        while offset < size {
            try Task.checkCancellation()
            let wanted = Int(min(Int64(pieceBytes), size - offset))
            let start = offset
            let piece = try await NIOThreadPool.singleton.runIfActive { () -> ByteBuffer in
                var piece = ByteBuffer()
                let count = piece.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { space in
                    max(0, pread(descriptor, space.baseAddress, wanted, off_t(start)))
                }
                // As many bytes were announced as the file had; it has fewer now, or cannot be read.
                guard count > 0 else { throw ServiceError.sourceChanged }
                return piece
            }
            offset += Int64(piece.readableBytes)
            try await send(piece)
            onSent(offset)
        }
    }

    /// A file name as browsers write it in a form: what would end the quoted text is percent-encoded.
    private static func quoted(_ name: String) -> String {
        name.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "%22"
            case "\r": "%0D"
            case "\n": "%0A"
            default: String(scalar)
            }
        }.joined()
    }
}
