import HTTPTypes
import Hummingbird
package import KettleAccess
import KettleStore
import Logging

/// Who may use a service.
package enum Access: Sendable {
    /// Whoever reaches it. There are no accounts, and all builds are public.
    case anonymous
    /// Whoever shows a token; strangers read what is public.
    case tokens(Authenticator)

    var takesTokens: Bool { if case .tokens = self { true } else { false } }
}

/// Finds out who sent a request, before any route runs.
///
/// A request that shows a token is that caller's, or is refused: it is never taken for a stranger's.
struct AccessMiddleware: RouterMiddleware {
    /// The longest `Authorization` header, in bytes. The tokens of CI systems have some 2,000.
    private static let headerLimit = 8192

    /// What tells whether the service is there and works is never refused for asking often: what asks restarts the service.
    private static let unlimited = Set(BuildRoutes.prefixes.flatMap { [$0 + "/health", $0 + "/ready"] })

    let access: Access
    /// Nil where callers may ask as often as they like.
    let rate: RequestRate?

    func handle(
        _ request: Request, context: KettleRequestContext,
        next: @concurrent (Request, KettleRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        switch access {
        case .anonymous: context.caller = .anonymous
        case .tokens(let authenticator):
            do {
                context.caller = try await caller(of: request, authenticator)
            } catch {
                // Whoever shows what is not accepted is a stranger to the rate.
                try count(request, context)
                throw error
            }
        }
        try count(request, context)
        return try await next(request, context)
    }

    /// Counts a request for its owner, and a stranger's for the address that it comes from.
    private func count(_ request: Request, _ context: KettleRequestContext) throws(ProblemDetails) {
        guard let rate, !Self.unlimited.contains(request.uri.path) else { return }
        do {
            try rate.admit(context.caller.owner.map { "owner \($0)" } ?? "peer \(context.peer)")
        } catch {
            throw ProblemDetails(error)
        }
    }

    private func caller(of request: Request, _ authenticator: Authenticator) async throws -> Caller {
        guard let header = request.headers[.authorization] else { return .stranger }
        do {
            let parts = header.split(separator: " ", maxSplits: 1)
            guard header.utf8.count <= Self.headerLimit, parts.count == 2, parts[0].lowercased() == "bearer" else {
                throw AccessError.malformed
            }
            return try await authenticator.caller(showing: parts[1].trimmingPrefix { $0 == " " }.description)
        } catch let error as AccessError {
            if case .issuerUnreachable = error { throw ProblemDetails.unavailable(error) }
            var problem = ProblemDetails(.unauthorized, error)
            problem.headers[.wwwAuthenticate] = "Bearer realm=\"kettle\", error=\"invalid_token\""
            throw problem
        }
    }
}

extension KettleRequestContext {
    /// - Throws: ``ProblemDetails`` (RFC 6750, section 3): 401 for a stranger, 403 for a caller without that scope.
    func require(_ scope: Caller.Scope) throws(ProblemDetails) {
        guard !caller.has(scope) else { return }
        if caller == .stranger {
            var problem = ProblemDetails(
                .unauthorized, code: "access.token_missing", "this needs a token with the scope \(scope.rawValue)",
                hint: "send Authorization: Bearer TOKEN")
            problem.headers[.wwwAuthenticate] = "Bearer realm=\"kettle\""
            throw problem
        }
        var problem = ProblemDetails(
            .forbidden, code: "access.scope", "the token lacks the scope \(scope.rawValue)",
            hint: "ask the operator for a token with it")
        problem.headers[.wwwAuthenticate] =
            "Bearer realm=\"kettle\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""
        throw problem
    }
}

extension KettleRequestContext {
    /// - Throws: ``ProblemDetails``: 403 where the build is public and somebody else's.
    func requireOwnership(of build: BuildRecord) throws(ProblemDetails) {
        try require(.submit)
        guard build.owner == caller.owner || caller.scopes.contains(.admin) else {
            throw ProblemDetails(.forbidden, code: "access.not_owner", "the build is somebody else's")
        }
    }
}

extension ProblemDetails {
    init(_ error: QuotaError) {
        self.init(.tooManyRequests, error)
        headers[.retryAfter] = "\(error.retryAfter)"
    }
}
