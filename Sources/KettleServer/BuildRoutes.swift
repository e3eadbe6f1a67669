import Foundation
import HTTPTypes
import Hummingbird
import KettleAttestation
import KettleBuild
import KettleError
import KettleProvenance
import KettleStore
import NIOCore
import SystemPackage

/// The routes of API section 1, each a function from a request to a response.
struct BuildRoutes: Sendable {
    let builds: BuildService
    let intake: BuildIntake
    let files: FileIO
    /// Nil where the service does not terminate TLS.
    let attestation: TLSKeyAttestation?

    /// The prefixes under which every route is served alike.
    static let prefixes = ["", "/v1", "/api"]

    /// The largest page of `GET /builds`.
    private static let pageLimit = 200

    func add(to router: Router<BasicRequestContext>) {
        let routes: [(path: String, methods: [(HTTPRequest.Method, Handler)])] = [
            ("/build/stream", [(.post, buildAndStream)]),
            ("/build", [(.post, buildAndWait)]),
            ("/builds", [(.get, list)]),
            ("/builds/:id", [(.get, show)]),
            ("/builds/:id/events", [(.get, followEvents)]),
            ("/builds/:id/artifacts/:name", [(.get, { try await file($0, $1, .artifact) })]),
            ("/builds/:id/build-config/:name", [(.get, { try await file($0, $1, .buildConfig) })]),
            ("/builds/:id/provenance.json", [(.get, { try await record($0, $1, "provenance.json") })]),
            ("/builds/:id/evidence.json", [(.get, { try await record($0, $1, "evidence.json") })]),
            ("/builds/:id/sbom.cdx.json", [(.get, { try await record($0, $1, "sbom.cdx.json") })]),
            ("/builds/:id/build.log", [(.get, { try await record($0, $1, "build.log") })]),
            ("/builds/:id/bundle.zip", [(.get, { try await bundle($0, $1, .zip) })]),
            ("/builds/:id/bundle.tar.gz", [(.get, { try await bundle($0, $1, .tarGzip) })]),
            ("/attestation", [(.get, attest)]),
            ("/health", [(.get, health)]),
            ("/openapi.json", [(.get, openAPI)]),
        ]
        for prefix in Self.prefixes {
            for route in routes {
                let path = RouterPath(prefix + route.path)
                var left: Set<HTTPRequest.Method> = [.get, .head, .post, .put, .patch, .delete]
                for (method, handler) in route.methods {
                    router.on(path, method: method, use: handler)
                    left.remove(method)
                    if method == .get { left.remove(.head) }
                }
                let allowed = route.methods.map(\.0.rawValue).joined(separator: ", ")
                for method in left {
                    router.on(path, method: method) { request, _ -> Response in
                        var problem = ProblemDetails(
                            .methodNotAllowed, code: "request.method", "\(request.method.rawValue) is not served here",
                            hint: "use \(allowed)")
                        problem.headers[.allow] = allowed
                        throw problem
                    }
                }
            }
        }
    }

    private typealias Handler = @Sendable (Request, BasicRequestContext) async throws -> Response

    // MARK: - Building

    private func buildAndStream(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let build = try await accept(request)
        let reader = try await build.events.reader(after: 0, on: builds.threads)
        return EventStream(reader: reader, headers: [.location: "/v1/builds/\(build.id)"]).response()
    }

    private func buildAndWait(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let build = try await accept(request)
        guard let outcome = await build.outcome() else { throw BuildError.unexpected }
        if outcome.state == .success, request.headers[.accept]?.contains("application/zip") == true {
            var response = try await bundle(build.id, .zip, request, context)
            response.headers[.location] = "/v1/builds/\(build.id)"
            return response
        }
        return Self.json(
            outcome.result, status: .init(code: outcome.httpStatus), headers: [.location: "/v1/builds/\(build.id)"])
    }

    /// Takes a request in; whatever is wrong with it leaves nothing behind.
    private func accept(_ request: Request) async throws -> RunningBuild {
        let slot: BuildService.Intake
        do {
            slot = try builds.openIntake()
        } catch {
            throw ProblemDetails(.serviceUnavailable, error)
        }
        let wanted: BuildRequest
        do {
            wanted = try await intake.read(request, into: slot.workspace)
        } catch {
            await builds.abandon(slot)
            throw error
        }
        return try await builds.start(wanted, from: slot)
    }

    // MARK: - Looking

    private func list(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        var limit = 50
        if let text = request.uri.queryParameters["limit"].map(String.init) {
            guard let number = Int(text), (1...Self.pageLimit).contains(number) else {
                throw ProblemDetails.badParameter("limit", text, hint: "ask for 1 to \(Self.pageLimit) builds")
            }
            limit = number
        }
        var before: BuildID?
        if let text = request.uri.queryParameters["before"].map(String.init) {
            guard let id = BuildID(text), try await builds.store.record(id) != nil else {
                throw ProblemDetails.badParameter("before", text, hint: "name the last build of the page before")
            }
            before = id
        }
        let records = try await builds.store.records(limit: limit + 1, before: before)
        var page: [String: JSONValue] = ["builds": .array(records.prefix(limit).map(Self.summary))]
        if records.count > limit, let last = records.prefix(limit).last { page["next_before"] = .string(last.id.hex) }
        return Self.json(JSONValue.object(page).canonicalBytes())
    }

    private func show(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let record = try await existing(context)
        // The result of a build that has ended is what its complete event held, byte for byte.
        return Self.json(record.result ?? Self.summary(record).canonicalBytes())
    }

    private static func summary(_ record: BuildRecord) -> JSONValue {
        var members: [String: JSONValue] = [
            "build_id": .string(record.id.hex), "status": .string(record.state.rawValue),
            "source": .string(record.source), "created_at": .string(timestamp(record.createdAt)),
            "url": .string("/v1/builds/\(record.id)"),
        ]
        members["ref"] = record.ref.map(JSONValue.string)
        members["build_system"] = record.buildSystem.map(JSONValue.string)
        members["finished_at"] = record.finishedAt.map { .string(timestamp($0)) }
        return .object(members)
    }

    private static func timestamp(_ milliseconds: Int64) -> String {
        BuildTime(milliseconds: milliseconds).timestamp.text
    }

    private func followEvents(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let id = try buildID(context)
        var last = 0
        // A browser that reconnects repeats its URL and adds the header, so the header counts.
        let given = request.headers[.lastEventID] ?? request.uri.queryParameters["from"].map(String.init)
        if let given, !given.isEmpty {
            guard let number = Int(given), number >= 0 else {
                throw ProblemDetails.badParameter(
                    "from", given, hint: "name the number of the last event that you have")
            }
            last = number
        }
        guard let reader = try await builds.reader(of: id, after: last) else {
            throw ProblemDetails.noSuchBuild(id.hex)
        }
        if last > 0, !builds.isRunning(id) {
            var peek = reader
            // 204 tells an EventSource that has everything to stop reconnecting.
            if case .end = try await peek.next() { return Response(status: .noContent) }
        }
        return EventStream(reader: reader).response()
    }

    // MARK: - Downloads

    private func file(
        _ request: Request, _ context: BasicRequestContext, _ category: RecordedFile.Category
    ) async throws -> Response {
        let id = try await existing(context).id
        let name = try parameter("name", context)
        guard let file = try await builds.store.file(of: id, category, named: name) else {
            throw ProblemDetails.noSuchFile(name)
        }
        return try await download(file, of: id, request, context)
    }

    private func record(_ request: Request, _ context: BasicRequestContext, _ name: String) async throws -> Response {
        let id = try await existing(context).id
        guard let file = try await builds.store.file(of: id, .record, named: name) else {
            throw ProblemDetails.noSuchFile(name)
        }
        return try await download(file, of: id, request, context)
    }

    private func bundle(
        _ request: Request, _ context: BasicRequestContext, _ kind: BundleArchive
    ) async throws -> Response {
        try await bundle(existing(context).id, kind, request, context)
    }

    private func bundle(
        _ id: BuildID, _ kind: BundleArchive, _ request: Request, _ context: BasicRequestContext
    ) async throws -> Response {
        guard let file = try await builds.bundle(of: id, as: kind) else { throw ProblemDetails.noSuchFile(kind.name) }
        return try await download(file, of: id, request, context)
    }

    private func download(
        _ file: RecordedFile, of id: BuildID, _ request: Request, _ context: BasicRequestContext
    ) async throws -> Response {
        let path = builds.store.folder.build(id).appending(FilePath(file.location).components)
        return try await Download(file: file, path: path, files: files).response(to: request, context: context)
    }

    // MARK: - The service

    private func health(_ request: Request, _ context: BasicRequestContext) -> Response {
        Self.json(
            JSONValue.object(["status": "ok", "version": .string(builds.configuration.version)]).canonicalBytes())
    }

    private func attest(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        guard let attestation else { throw ProblemDetails.noTLS }
        let text = request.uri.queryParameters["nonce"].map(String.init) ?? ""
        guard let nonce = BuildNonce(text: text) else {
            throw ProblemDetails.badParameter(
                "nonce", text, hint: "send 16 random bytes as 32 hexadecimal digits; dashes are allowed")
        }
        return Self.json(try await attestation.answer(to: nonce).canonicalBytes(), headers: [.cacheControl: "no-store"])
    }

    private func openAPI(_ request: Request, _ context: BasicRequestContext) -> Response {
        Self.json(Array(OpenAPIDocument.json.utf8))
    }

    // MARK: - Parameters

    private func parameter(_ name: String, _ context: BasicRequestContext) throws -> String {
        guard let text = context.parameters.get(name)?.removingPercentEncoding, !text.isEmpty,
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })  // no recorded name has them, and SQLite ends at NUL
        else { throw ProblemDetails.notFound }
        return text
    }

    private func buildID(_ context: BasicRequestContext) throws -> BuildID {
        let text = try parameter("id", context)
        guard let id = BuildID(text) else { throw ProblemDetails.noSuchBuild(text) }
        return id
    }

    private func existing(_ context: BasicRequestContext) async throws -> BuildRecord {
        let id = try buildID(context)
        guard let record = try await builds.store.record(id) else { throw ProblemDetails.noSuchBuild(id.hex) }
        return record
    }

    private static func json(
        _ bytes: [UInt8], status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
