import CWeb
import HTTPTypes
import Hummingbird
import KettleProvenance
import NIOCore

/// The files of the web pages, compiled in from `Sources/CWeb/Web`.
enum WebFiles {
    struct File: Sendable {
        let name: String
        let bytes: [UInt8]
        let digest: ContentDigest

        /// What a browser takes it for; nil for a page, which has an address of its own.
        fileprivate var contentType: String? {
            switch name.split(separator: ".").last {
            case "css": "text/css; charset=utf-8"
            case "js": "text/javascript; charset=utf-8"
            default: nil
            }
        }
    }

    /// By name.
    static let all: [String: File] = {
        var files: [String: File] = [:]
        var index = 0
        while let file = kettle_web_file_at(index) {
            let name = String(cString: file.pointee.name)
            let bytes = Array(UnsafeBufferPointer(start: file.pointee.bytes, count: file.pointee.count))
            files[name] = File(name: name, bytes: bytes, digest: ContentDigest(of: bytes))
            index += 1
        }
        return files
    }()

    /// Tells these files from those of another version, in 16 hexadecimal digits. It stands in their addresses, so that a browser
    /// may keep them for ever and never mixes two versions.
    static let version: String = {
        var hasher = ContentHasher()
        for file in all.values.sorted(by: { $0.name < $1.name }) {
            hasher.update(ContentDigest(of: Array(file.name.utf8)).bytes)
            hasher.update(file.digest.bytes)
        }
        return String(hasher.finalize().hex.prefix(16))
    }()

    /// Where the files are, below the root of the service: `web/0123456789abcdef/`.
    static var folder: String { "web/\(version)/" }

    /// A file's text; empty where there is none.
    static func text(_ name: String) -> String { String(decoding: all[name]?.bytes ?? [], as: UTF8.self) }

    /// Answers `GET /web/:version/:name`.
    static func response(
        version: String, name: String, to request: Request
    ) throws(ProblemDetails) -> Response {
        guard version == Self.version, let file = all[name], let type = file.contentType else {
            throw .notFound
        }
        var response = WebPage.unchanging(file.bytes, file.digest, type, to: request)
        // A worker goes by the policy of its own file: what reads a stranger's bundle asks nothing of anybody.
        response.headers[.contentSecurityPolicy] = "default-src 'none'; script-src 'self'"
        response.headers[.cacheControl] = "public, max-age=31536000, immutable"
        return response
    }
}
