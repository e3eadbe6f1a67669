import HTTPTypes
import Hummingbird
import KettleProvenance
import NIOCore

/// A page for people, within the frame that all pages have (`page.mustache`).
struct WebPage: Sendable {
    /// The entry of the navigation that the page stands under.
    enum Place {
        case home, builds
    }

    /// Plain text.
    var title: String
    var place: Place?
    /// HTML, from ``PageTemplates``.
    var main: String
    /// The names of modules to run.
    var scripts: [String] = []
    /// How many folders below the root the page's address is: 1 for `/builds/ID`.
    var depth = 0

    /// What the frame's template shows.
    private struct Frame {
        var title: String
        var root: String
        var web: String
        var scripts: [String]
        var isHome: Bool
        var isBuilds: Bool
        var main: String
    }

    func response(to request: Request, status: HTTPResponse.Status = .ok) throws -> Response {
        let frame = Frame(
            title: title, root: String(repeating: "../", count: depth), web: WebFiles.folder, scripts: scripts,
            isHome: place == .home, isBuilds: place == .builds, main: main)
        let html = try PageTemplates.render("page.mustache", frame)
        var response = Self.response(html, to: request)
        if status != .ok {
            response = Response(
                status: status, headers: response.headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
        }
        // The same address answers programs with JSON.
        response.headers[.vary] = "Accept, Authorization"
        return response
    }

    /// Where a page is that was asked for with a slash behind its address, which would be a folder for what the page refers to.
    static func withoutSlash(_ request: Request) -> Response? {
        let path = request.uri.path
        guard path.hasSuffix("/"), let last = path.split(separator: "/").last else { return nil }
        let query = request.uri.query.map { "?\($0)" } ?? ""
        return Response(status: .permanentRedirect, headers: [.location: "../\(last)\(query)"])
    }

    /// Whether a request wants a page: a browser names HTML, and programs do not.
    static func isWanted(by request: Request) -> Bool {
        request.headers[values: .accept].contains { $0.contains("text/html") }
    }

    /// The page on which a bundle is checked, in the browser alone. It is a file of its own, so that it can be used without a service.
    static func verify(_ request: Request) -> Response {
        withoutSlash(request)
            ?? response(WebFiles.text("verify.html").replacing("=\"./", with: "=\"\(WebFiles.folder)"), to: request)
    }

    /// Text for HTML, between tags and between double quotes.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    // MARK: - Answers

    /// Nothing runs, is shown or is asked but what this service itself serves, and no other page frames it.
    static let contentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

    private static func response(_ html: String, to request: Request) -> Response {
        let bytes = Array(html.utf8)
        var response = unchanging(bytes, ContentDigest(of: bytes), "text/html; charset=utf-8", to: request)
        response.headers[.contentSecurityPolicy] = contentSecurityPolicy
        // Asked for again each time, and seldom sent again.
        response.headers[.cacheControl] = "no-cache"
        return response
    }

    /// Bytes, or the news that the browser has them already.
    static func unchanging(
        _ bytes: [UInt8], _ digest: ContentDigest, _ type: String, to request: Request
    ) -> Response {
        let tag = "\"\(digest.hex)\""
        let headers: HTTPFields = [
            .contentType: type, .eTag: tag, .contentTypeOptions: "nosniff", .referrerPolicy: "no-referrer",
        ]
        if let tags = request.headers[.ifNoneMatch], Download.matches(tags, tag) {
            return Response(status: .notModified, headers: headers)
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
