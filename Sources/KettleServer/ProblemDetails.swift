package import HTTPTypes
package import Hummingbird
import KettleAccess
import KettleBuild
import KettleError
import KettleProvenance
import KettleStore
import Logging
import Metrics
import NIOCore

/// An error that ends a request before there is a build: `application/problem+json` (RFC 9457) with `code` and `hint`.
package struct ProblemDetails: Error, Sendable {
    package var status: HTTPResponse.Status
    var code: String
    var detail: String
    var hint: String?
    package var headers = HTTPFields()
    /// More members of the object.
    var members: [String: JSONValue] = [:]

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
        hint: "/openapi.json lists the routes")

    fileprivate static func unrouted(_ request: Request) -> ProblemDetails {
        let methods = BuildRoutes.methods(at: request.uri.path).map(\.rawValue).joined(separator: ", ")
        guard !methods.isEmpty else { return .notFound }
        var problem = ProblemDetails(
            .methodNotAllowed, code: "request.method", "\(printable(request.method.rawValue)) is not served here",
            hint: "use \(methods)")
        problem.headers[.allow] = methods
        return problem
    }

    /// A build that is not taken.
    static func refused(_ error: BuildError) -> ProblemDetails {
        switch error {
        case .queueFull, .tooManyWaiting:
            var problem = ProblemDetails(.tooManyRequests, error)
            problem.headers[.retryAfter] = "30"
            return problem
        case .keyReused: return ProblemDetails(.unprocessableContent, error)
        default: return .unavailable(error)
        }
    }

    /// What the service cannot do now and may be able to do soon.
    static func unavailable(_ error: any UserFacingError) -> ProblemDetails {
        var problem = ProblemDetails(.serviceUnavailable, error)
        if let error = error as? StoreError { problem.detail = error.messageForCallers }
        problem.headers[.retryAfter] = "10"
        return problem
    }

    /// Retention took it; what a file was is known.
    static func pruned(_ digest: ContentDigest?) -> ProblemDetails {
        ProblemDetails(
            .gone, code: "build.pruned",
            "the files of the build are no longer kept"
                + (digest.map { "; the SHA-256 of this one is \($0.hex)" } ?? ""),
            hint: "provenance.json and evidence.json are kept: whoever has a file can check it against them")
    }

    static func noSuchBuild(_ id: String) -> ProblemDetails {
        ProblemDetails(
            .notFound, code: "build.not_found", "there is no build \"\(printable(id))\"",
            hint: "/builds lists those that you may read")
    }

    static func noSuchFile(_ name: String) -> ProblemDetails {
        ProblemDetails(
            .notFound, code: "build.file_not_found", "the build has no file \"\(printable(name))\"",
            hint: "the result of the build names its files")
    }

    static func noSuchArtifact(_ digest: String) -> ProblemDetails {
        ProblemDetails(
            .notFound, code: "artifact.not_found", "no build made an artifact with the SHA-256 \"\(printable(digest))\""
        )
    }

    static func badParameter(_ name: String, _ value: String, hint: String) -> ProblemDetails {
        ProblemDetails(
            .badRequest, code: "request.bad_parameter", "\(name) is \"\(printable(value))\"", hint: hint)
    }

    /// A caller's own text as it may stand in an answer: short, and without control characters.
    static func printable(_ text: String) -> String {
        String(text.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : Character($0) })
    }
}

extension ProblemDetails: HTTPResponseError {
    package func response(from request: Request, context: some RequestContext) throws -> Response {
        var members = self.members
        members["type"] = "about:blank"
        members["title"] = .string(status.reasonPhrase)
        members["status"] = .integer(Int64(status.code))
        members["detail"] = .string(detail)
        members["code"] = .string(code)
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
            return try answer(problem, to: request, context)
        } catch let error as BuildError {
            return try answer(.refused(error), to: request, context)
        } catch let error as QuotaError {
            return try answer(ProblemDetails(error), to: request, context)
        } catch let error as HTTPError where error.status == .notFound {
            // The router found no route; there may be one for another method.
            return try ProblemDetails.unrouted(request).response(from: request, context: context)
        } catch let error as any HTTPResponseError {
            let problem = ProblemDetails(
                error.status, code: "request.refused", error.status.reasonPhrase.lowercased())
            return try problem.response(from: request, context: context)
        } catch let error as CancellationError {
            throw error
        } catch let error as StoreError {
            context.logger.error("the store failed", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
            return try ProblemDetails.unavailable(error).response(from: request, context: context)
        } catch {
            context.logger.error("request failed", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
            let problem = ProblemDetails(
                .internalServerError, code: "internal.unexpected", "the service failed; the request is not at fault")
            return try problem.response(from: request, context: context)
        }
    }

    private func answer(
        _ problem: ProblemDetails, to request: Request, _ context: Context
    ) throws -> Response {
        if problem.status == .tooManyRequests {
            Counter(label: "kettle_http_refusals_total", dimensions: [("code", problem.code)]).increment()
        }
        return try problem.response(from: request, context: context)
    }
}
