package import HTTPTypes
package import Hummingbird
import KettleError
import KettleProvenance
import Logging
import NIOCore

/// An error that ends a request before there is a build: `application/problem+json` (RFC 9457) with `code` and `hint`.
package struct ProblemDetails: Error, Sendable {
    package var status: HTTPResponse.Status
    var code: String
    var detail: String
    var hint: String?
    package var headers = HTTPFields()

    init(_ status: HTTPResponse.Status, code: String, _ detail: String, hint: String? = nil) {
        self.status = status
        self.code = code
        self.detail = detail
        self.hint = hint
    }

    /// An error that some part of Kettle has words for.
    init(_ status: HTTPResponse.Status, _ error: any UserFacingError) {
        self.init(status, code: error.code, error.message, hint: error.hint)
    }

    static let notFound = ProblemDetails(
        .notFound, code: "request.not_found", "there is nothing at this address",
        hint: "the routes are listed at /openapi.json")

    static func noSuchBuild(_ id: String) -> ProblemDetails {
        ProblemDetails(.notFound, code: "build.not_found", "there is no build \"\(printable(id))\"")
    }

    static func noSuchFile(_ name: String) -> ProblemDetails {
        ProblemDetails(.notFound, code: "build.file_not_found", "the build has no file \"\(printable(name))\"")
    }

    static func badParameter(_ name: String, _ value: String, hint: String) -> ProblemDetails {
        ProblemDetails(
            .badRequest, code: "request.bad_parameter", "\(name) is \"\(printable(value))\"", hint: hint)
    }

    /// A caller's own text as it may stand in an answer: short, and without control characters.
    private static func printable(_ text: String) -> String {
        String(text.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : Character($0) })
    }
}

extension ProblemDetails: HTTPResponseError {
    package func response(from request: Request, context: some RequestContext) throws -> Response {
        var members: [String: JSONValue] = [
            "type": "about:blank", "title": .string(status.reasonPhrase), "status": .integer(Int64(status.code)),
            "detail": .string(detail), "code": .string(code),
        ]
        if let hint { members["hint"] = .string(hint) }
        var headers = self.headers
        headers[.contentType] = "application/problem+json"
        return Response(
            status: status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: JSONValue.object(members).canonicalBytes())))
    }
}

/// Gives every failure the same form; what nobody has words for is logged and told as an internal error.
struct ProblemMiddleware<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let problem as ProblemDetails {
            return try problem.response(from: request, context: context)
        } catch let error as HTTPError where error.status == .notFound {
            return try ProblemDetails.notFound.response(from: request, context: context)
        } catch let error as any HTTPResponseError {
            let problem = ProblemDetails(
                error.status, code: "request.refused", error.status.reasonPhrase.lowercased())
            return try problem.response(from: request, context: context)
        } catch let error as CancellationError {
            throw error
        } catch {
            context.logger.error("request failed", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
            let problem = ProblemDetails(
                .internalServerError, code: "internal.unexpected", "the service failed for a reason of its own")
            return try problem.response(from: request, context: context)
        }
    }
}
