import Foundation
import HTTPTypes
import Hummingbird
import KettleProvenance
import KettleStore
import SystemPackage

/// One recorded file as a response: whole, a range of it, or the news that the client has it already.
///
/// What is recorded never changes, so its SHA-256 is a strong validator and caches may keep it for ever.
struct Download: Sendable {
    let file: RecordedFile
    let path: FilePath
    let files: FileIO

    func response(to request: Request, context: some RequestContext) async throws -> Response {
        var headers = headers(for: request)
        if let tags = request.headers[.ifNoneMatch], Self.matches(tags, entityTag) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.acceptRanges] = "bytes"
        switch wantedRange(of: request) {
        case .whole:
            headers[.contentLength] = "\(file.size)"
            let body = try await files.loadFile(path: path.string, context: context)
            return Response(status: .ok, headers: headers, body: body)
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound)/\(file.size)"
            headers[.contentLength] = "\(range.count)"
            let body = try await files.loadFile(path: path.string, range: range, context: context)
            return Response(status: .partialContent, headers: headers, body: body)
        case .unsatisfiable:
            var problem = ProblemDetails(
                .rangeNotSatisfiable, code: "request.range", "the range has none of the file's \(file.size) bytes")
            problem.headers[.contentRange] = "bytes */\(file.size)"
            throw problem
        }
    }

    private var entityTag: String { "\"\(file.digest.hex)\"" }

    private func headers(for request: Request) -> HTTPFields {
        var headers = HTTPFields()
        headers[.contentType] = contentType
        headers[.contentDisposition] = "attachment; filename=\"\(downloadName)\""
        headers[.eTag] = entityTag
        // RFC 9530: a structured-field dictionary of byte sequences.
        headers[.representationDigest] = "sha-256=:\(Data(file.digest.bytes).base64EncodedString()):"
        // A cache that several people use may keep what everybody can read, which is what is got without a token.
        // What a token showed, a browser that outlives the token must ask for again.
        headers[.cacheControl] =
            request.headers[.authorization] == nil ? "public, max-age=31536000, immutable" : "private, no-cache"
        headers[.vary] = "Authorization"
        headers[.contentTypeOptions] = "nosniff"
        return headers
    }

    /// What a stranger's build made is never given a type that a browser would run.
    private var contentType: String {
        guard file.category == .record else {
            return file.category == .buildConfig ? "text/plain; charset=utf-8" : "application/octet-stream"
        }
        switch FilePath(file.name).extension {
        case "json":
            return file.name == SoftwareBillOfMaterials.fileName
                ? SoftwareBillOfMaterials.mediaType : "application/json"
        case "zip": return "application/zip"
        case "gz": return "application/gzip"
        default: return "text/plain; charset=utf-8"
        }
    }

    /// The name for a quoted string of RFC 9110; names are checked when they are recorded, this is the second lock.
    private var downloadName: String {
        String(
            file.name.unicodeScalars.map {
                $0.isASCII && $0.value >= 0x20 && $0 != "\"" && $0 != "\\" ? Character($0) : "_"
            })
    }

    /// Compares an `If-None-Match` list weakly (RFC 9110, section 13.1.2).
    static func matches(_ list: String, _ tag: String) -> Bool {
        list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            .contains { $0 == "*" || $0 == tag || $0 == "W/\(tag)" }
    }

    private enum Wanted {
        case whole, part(ClosedRange<Int>), unsatisfiable
    }

    /// One range is served; several, or a malformed header, get the whole file, as does any method but GET (RFC 9110,
    /// section 14.2).
    private func wantedRange(of request: Request) -> Wanted {
        guard request.method == .get, let header = request.headers[.range], header.hasPrefix("bytes=") else {
            return .whole
        }
        if let condition = request.headers[.ifRange], condition != entityTag { return .whole }
        let parts = header.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let size = Int(exactly: file.size) else { return .whole }
        let (first, last) = (
            parts[0].trimmingCharacters(in: .whitespaces), parts[1].trimmingCharacters(in: .whitespaces)
        )
        func number(_ text: String) -> Int? { text.allSatisfy(\.isASCIIDigit) ? Int(text) : nil }
        if first.isEmpty {
            guard let suffix = number(last) else { return .whole }
            guard suffix > 0, size > 0 else { return .unsatisfiable }
            return .part(max(0, size - suffix)...(size - 1))
        }
        guard let start = number(first) else { return .whole }
        if last.isEmpty { return start < size ? .part(start...(size - 1)) : .unsatisfiable }
        guard let end = number(last), end >= start else { return .whole }
        return start < size ? .part(start...min(end, size - 1)) : .unsatisfiable
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
