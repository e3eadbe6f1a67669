import HTTPTypes
import Hummingbird
import KettleAccess
import KettleProvenance
import KettleTelemetry
import NIOCore

/// What an operator's programs ask: `GET /metrics` and `GET /ready`.
struct ObservationRoutes: Sendable {
    let registry: MetricsRegistry
    let readiness: Readiness

    /// - Throws: ``ProblemDetails`` for a caller who may not see them.
    func metrics(_ request: Request, _ context: KettleRequestContext) throws -> Response {
        try context.require(.metrics)
        return Response(
            status: .ok, headers: [.contentType: MetricsRegistry.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: registry.text())))
    }

    /// 200 with `ok` for every check, or 503 as a problem whose `checks` say by code what is wrong.
    func ready(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        let findings = await readiness.findings()
        let failures = findings.compactMap(\.failure)
        let checks = JSONValue.object(
            Dictionary(
                findings.map { ($0.name, .string($0.failure?.code ?? "ok")) }, uniquingKeysWith: { first, _ in first }))
        guard failures.isEmpty else {
            var problem = ProblemDetails(
                .serviceUnavailable, code: "service.not_ready", failures.map(\.message).joined(separator: "; "))
            problem.members = ["checks": checks]
            problem.headers = [.retryAfter: "5", .cacheControl: "no-store"]
            throw problem
        }
        let body = JSONValue.object(["status": "ready", "checks": checks]).canonicalBytes()
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
