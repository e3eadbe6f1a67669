import Foundation
import HTTPTypes
import Hummingbird
import KettleAccess
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
    let verification: BundleVerification
    let quota: Quota
    let files: FileIO
    /// Nil where the service does not terminate TLS.
    let attestation: TLSKeyAttestation?
    let observation: ObservationRoutes
    /// Whether callers may show tokens.
    let takesTokens: Bool
    /// Whether the service terminates TLS.
    let isSecure: Bool
    /// Where people reach the service, if the operator says so; without slashes at its end.
    let publicURL: String?

    /// The prefixes under which every route is served alike.
    static let prefixes = ["", "/v1", "/api"]

    /// The largest page of `GET /builds`.
    private static let pageLimit = 200

    private static let routes: [(path: String, methods: [(HTTPRequest.Method, @Sendable (BuildRoutes) -> Handler)])] =
        [
            ("/build/stream", [(.post, buildAndStream)]),
            ("/build", [(.post, build)]),
            ("/build/:id/events", [(.get, followTypedEvents)]),
            ("/build/:id/result", [(.get, result)]),
            ("/", [(.get, { routes in { try routes.home($0, $1) } })]),
            ("/builds", [(.get, list)]),
            ("/builds/:id", [(.get, show), (.delete, remove)]),
            ("/builds/:id/events", [(.get, followEvents)]),
            ("/builds/:id/badge.svg", [(.get, { routes in { try await routes.badge($0, $1) } })]),
            ("/builds/:id/artifacts/:name", [(.get, { routes in { try await routes.file($0, $1, .artifact) } })]),
            ("/builds/:id/build-config/:name", [(.get, { routes in { try await routes.file($0, $1, .buildConfig) } })]),
            ("/builds/:id/provenance.json", [(.get, record("provenance.json"))]),
            ("/builds/:id/evidence.json", [(.get, record("evidence.json"))]),
            ("/builds/:id/sbom.cdx.json", [(.get, record("sbom.cdx.json"))]),
            ("/builds/:id/build.log", [(.get, record("build.log"))]),
            ("/builds/:id/bundle.zip", [(.get, { routes in { try await routes.bundle($0, $1, .zip) } })]),
            ("/builds/:id/bundle.tar.gz", [(.get, { routes in { try await routes.bundle($0, $1, .tarGzip) } })]),
            ("/artifacts/sha256/:digest", [(.get, artifact)]),
            ("/attestation", [(.get, attest)]),
            ("/health", [(.get, health)]),
            ("/ready", [(.get, { routes in { try await routes.observation.ready($0, $1) } })]),
            ("/metrics", [(.get, { routes in { try routes.observation.metrics($0, $1) } })]),
            ("/openapi.json", [(.get, openAPI)]),
            ("/verify", [(.get, { _ in { request, _ in WebPage.verify(request) } }), (.post, verify)]),
            ("/web/:version/:name", [(.get, webFile)]),
        ]

    /// Every path, with its methods, as ``routes`` has them.
    static var table: [(method: String, path: String)] {
        routes.flatMap { route in route.methods.map { ($0.0.rawValue, route.path) } }
    }

    func add(to router: Router<KettleRequestContext>) {
        for prefix in Self.prefixes {
            for route in Self.routes {
                for (method, handler) in route.methods {
                    router.on(RouterPath(prefix + route.path), method: method, use: handler(self))
                }
            }
        }
    }

    /// What is served at the path of a request; empty where there is nothing.
    static func methods(at path: String) -> [HTTPRequest.Method] {
        let parts = path.split(separator: "/")
        for prefix in prefixes {
            for route in routes {
                let pattern = (prefix + route.path).split(separator: "/")
                guard pattern.count == parts.count,
                    zip(pattern, parts).allSatisfy({ $0.first == ":" || $0 == $1 })
                else { continue }
                return route.methods.flatMap { $0.0 == .get ? [.get, .head] : [$0.0] }
            }
        }
        return []
    }

    private typealias Handler = @Sendable (Request, KettleRequestContext) async throws -> Response

    // MARK: - Building

    private func buildAndStream(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        let id: BuildID
        let reader: EventLog.Reader
        switch try await accept(request, context, isJSONTaken: false) {
        case .build(let build):
            id = build.id
            reader = try await build.events.reader(after: 0, on: builds.threads)
        case .before(let record):
            id = record.id
            reader = try await self.reader(of: record, after: 0)
        }
        return EventStream(reader: reader, headers: [.location: "/v1/builds/\(id)"]).response()
    }

    /// A form is built and answered when it is finished; JSON, the later published form, is answered at once.
    private func build(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        let isJSON = JSONBuildRequest.isJSON(request.headers[.contentType])
        let id: BuildID
        let outcome: BuildOutcome?
        switch try await accept(request, context, isJSONTaken: true) {
        case .build(let build):
            id = build.id
            outcome = isJSON ? nil : try await build.outcome()
        case .before(let record):
            id = record.id
            outcome = isJSON ? nil : try await builds.outcome(of: record)
        }
        let location: HTTPFields = [.location: "/v1/builds/\(id)"]
        if isJSON {
            return Self.json(JSONValue.object(["job_id": .string(id.hex)]).canonicalBytes(), headers: location)
        }
        guard let outcome else {
            // The build goes on when the service is back.
            var problem = ProblemDetails.unavailable(BuildError.suspended)
            problem.headers[.location] = "/v1/builds/\(id)"
            throw problem
        }
        if outcome.state == .success, request.headers[.accept]?.contains("application/zip") == true {
            var response = try await bundle(id, .zip, request, context)
            response.headers[.location] = "/v1/builds/\(id)"
            return response
        }
        return Self.json(outcome.result, status: .init(code: outcome.httpStatus), headers: location)
    }

    /// Takes a request in; whatever is wrong with it leaves nothing behind.
    private func accept(
        _ request: Request, _ context: KettleRequestContext, isJSONTaken: Bool
    ) async throws -> BuildService.Started {
        try context.require(.submit)
        let caller = context.caller
        let key = try idempotencyKey(of: request)
        try await quota.check(caller)
        let slot = try builds.openIntake(for: caller.owner)
        var wanted: BuildRequest
        do {
            wanted = try await intake.read(
                request, into: slot.workspace, for: caller, within: quota.allowance(for: caller),
                isJSONTaken: isJSONTaken)
            wanted.idempotencyKey = key
            do { try builds.checkToolchain(of: wanted) } catch { throw ProblemDetails(.badRequest, error) }
            // What was counted the first time is not counted again.
            if let earlier = try await builds.earlier(wanted) {
                await builds.abandon(slot)
                return .before(earlier)
            }
            try await quota.countBuild(of: caller)
        } catch {
            await builds.abandon(slot)
            throw error
        }
        return try await builds.start(wanted, from: slot)
    }

    private func idempotencyKey(of request: Request) throws -> IdempotencyKey? {
        guard let header = request.headers[.idempotencyKey] else { return nil }
        guard let key = IdempotencyKey(header: header) else {
            throw ProblemDetails.badParameter(
                "Idempotency-Key", header,
                hint: "send 1 to \(IdempotencyKey.lengthLimit) printable ASCII characters, new for each request")
        }
        return key
    }

    /// What `kettle verify --json` would say of a bundle that is sent.
    private func verify(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        try context.require(.submit)
        let verdict = try await verification.verdict(on: request, of: context.caller)
        return Self.json(verdict.canonicalBytes(), headers: [.cacheControl: "no-store"])
    }

    // MARK: - Looking

    private func list(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        guard !WebPage.isWanted(by: request) else {
            return try await page(request, depth: 0) {
                let (records, next) = try await newest(request, context)
                return try listPage(request, records, next: next)
            }
        }
        let (records, next) = try await newest(request, context)
        var page: [String: JSONValue] = ["builds": .array(records.map(summary))]
        page["next_before"] = next.map { .string($0.hex) }
        return Self.json(JSONValue.object(page).canonicalBytes(), headers: [.vary: "Accept, Authorization"])
    }

    /// The builds of one page of the list, and after which the next one begins.
    private func newest(
        _ request: Request, _ context: KettleRequestContext
    ) async throws -> (records: [BuildRecord], next: BuildID?) {
        var limit = 50
        if let text = request.uri.queryParameters["limit"].map(String.init) {
            guard let number = Self.number(text), (1...Self.pageLimit).contains(number) else {
                throw ProblemDetails.badParameter("limit", text, hint: "ask for 1 to \(Self.pageLimit) builds")
            }
            limit = number
        }
        var before: BuildID?
        if let text = request.uri.queryParameters["before"].map(String.init) {
            guard let id = BuildID(text), try await builds.store.record(id, for: context.caller.reader) != nil
            else {
                throw ProblemDetails.badParameter("before", text, hint: "name the last build of the page before")
            }
            before = id
        }
        let records = try await builds.store.records(
            for: context.caller.reader, limit: limit + 1, before: before)
        let page = Array(records.prefix(limit))
        return (page, records.count > limit ? page.last?.id : nil)
    }

    private func show(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        guard !WebPage.isWanted(by: request) else {
            return try await page(request, depth: 1) { try await buildPage(request, try await existing(context)) }
        }
        let record = try await existing(context)
        // The result of a build that has ended is what its complete event held, byte for byte.
        return Self.json(record.result ?? summary(record).canonicalBytes(), headers: [.vary: "Accept, Authorization"])
    }

    private func summary(_ record: BuildRecord) -> JSONValue {
        let place = builds.running(record.id)?.place
        var members: [String: JSONValue] = [
            "build_id": .string(record.id.hex), "status": place == nil ? .string(record.state.rawValue) : "queued",
            "source": .string(record.source), "created_at": .string(Self.timestamp(record.createdAt)),
            "url": .string("/v1/builds/\(record.id)"),
        ]
        members["ref"] = record.ref.map(JSONValue.string)
        members["build_system"] = record.buildSystem.map(JSONValue.string)
        members["finished_at"] = record.finishedAt.map { .string(Self.timestamp($0)) }
        members["position"] = place.map { .integer(Int64($0)) }
        if record.isPruned { members["pruned"] = true }
        return .object(members)
    }

    private static func timestamp(_ milliseconds: Int64) -> String {
        BuildTime(milliseconds: milliseconds).timestamp.text
    }

    private func followEvents(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        try await events(request, context).map { EventStream(reader: $0).response() }
            ?? Response(status: .noContent)
    }

    private func followTypedEvents(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        try await events(request, context).map { EventStream(reader: $0, spelling: TypedEvents.respell).response() }
            ?? Response(status: .noContent)
    }

    /// - Returns: nil when the build has ended and the reader has every event: 204 tells an EventSource that has everything to
    ///   stop reconnecting.
    private func events(_ request: Request, _ context: KettleRequestContext) async throws -> EventLog.Reader? {
        let record = try await existing(context)
        let from = try Self.eventNumber("from", request.uri.queryParameters["from"].map(String.init))
        // A browser that reconnects repeats its URL and adds the header, so the header counts.
        let last = try Self.eventNumber("Last-Event-ID", request.headers[.lastEventID]) ?? from ?? 0
        var reader = try await self.reader(of: record, after: last)
        reader.isFollowing = try Self.flag("follow", of: request, else: true)
        if last > 0, builds.running(record.id) == nil {
            var peek = reader
            if case .end = try await peek.next() { return nil }
        }
        return reader
    }

    private static func flag(_ name: String, of request: Request, else standard: Bool = false) throws -> Bool {
        switch request.uri.queryParameters[Substring(name)] {
        case nil: return standard
        case "false": return false
        case "true": return true
        case let other?:
            throw ProblemDetails.badParameter(name, String(other), hint: "say true or false, or leave it out")
        }
    }

    private static func eventNumber(_ name: String, _ text: String?) throws -> Int? {
        guard let text, !text.isEmpty else { return nil }
        guard let number = number(text) else {
            throw ProblemDetails.badParameter(name, text, hint: "name the number of the last event that you have")
        }
        return number
    }

    /// Digits alone: `Int` also takes a sign.
    private static func number(_ text: String) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }

    private func reader(of record: BuildRecord, after last: Int) async throws -> EventLog.Reader {
        guard !record.isPruned else { throw ProblemDetails.pruned(nil) }
        guard let reader = try await builds.reader(of: record.id, after: last) else {
            throw ProblemDetails.noSuchBuild(record.id.hex)
        }
        return reader
    }

    // MARK: - Removing

    /// Cancels what runs, and answers with how it ended; forgets what has ended.
    private func remove(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        let record = try await existing(context)
        try context.requireOwnership(of: record)
        switch try await builds.remove(record.id, onlyUnfinished: try Self.flag("unfinished", of: request)) {
        case .cancelled(let outcome): return Self.json(outcome.result)
        case .cancelling: return Self.json(summary(record).canonicalBytes(), status: .accepted)
        case .removed: return Response(status: .noContent)
        case .ended:
            throw ProblemDetails(
                .conflict, code: "build.ended", "the build has ended, so there is nothing to cancel",
                hint: "without unfinished=true it is forgotten")
        case .missing: throw ProblemDetails.noSuchBuild(record.id.hex)
        }
    }

    // MARK: - Downloads

    private func file(
        _ request: Request, _ context: KettleRequestContext, _ category: RecordedFile.Category
    ) async throws -> Response {
        let id = try await existing(context).id
        let name = try parameter("name", context)
        guard let file = try await builds.store.file(of: id, category, named: name) else {
            throw ProblemDetails.noSuchFile(name)
        }
        return try await download(file, of: id, request, context)
    }

    private static func record(_ name: String) -> @Sendable (BuildRoutes) -> Handler {
        { routes in { try await routes.record($0, $1, name) } }
    }

    private func record(_ request: Request, _ context: KettleRequestContext, _ name: String) async throws -> Response {
        let id = try await existing(context).id
        guard let file = try await builds.store.file(of: id, .record, named: name) else {
            throw ProblemDetails.noSuchFile(name)
        }
        return try await download(file, of: id, request, context)
    }

    /// An artifact by what it is, whichever build made it.
    private func artifact(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        let text = try parameter("digest", context)
        guard let digest = ContentDigest(hex: text.lowercased()) else { throw ProblemDetails.noSuchArtifact(text) }
        let found = try await builds.store.artifacts(digest, for: context.caller.reader)
        guard let first = found.first(where: { !$0.file.isPruned }) else {
            throw found.isEmpty ? ProblemDetails.noSuchArtifact(text) : ProblemDetails.pruned(digest)
        }
        return try await download(first.file, of: first.build.id, request, context)
    }

    /// The bundle in the later published form.
    private func result(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        try await bundle(request, context, .project)
    }

    private func bundle(
        _ request: Request, _ context: KettleRequestContext, _ kind: BundleArchive
    ) async throws -> Response {
        let record = try await existing(context)
        guard !record.isPruned else { throw ProblemDetails.pruned(nil) }
        return try await bundle(record.id, kind, request, context)
    }

    private func bundle(
        _ id: BuildID, _ kind: BundleArchive, _ request: Request, _ context: KettleRequestContext
    ) async throws -> Response {
        guard let file = try await builds.bundle(of: id, as: kind) else { throw ProblemDetails.noSuchFile(kind.name) }
        return try await download(file, of: id, request, context)
    }

    private func download(
        _ file: RecordedFile, of id: BuildID, _ request: Request, _ context: KettleRequestContext
    ) async throws -> Response {
        guard !file.isPruned else { throw ProblemDetails.pruned(file.digest) }
        let path = builds.store.folder.build(id).appending(FilePath(file.location).components)
        return try await Download(file: file, path: path, files: files).response(to: request, context: context)
    }

    // MARK: - The service

    private func health(_ request: Request, _ context: KettleRequestContext) -> Response {
        Self.json(
            JSONValue.object(["status": "ok", "version": .string(builds.configuration.version)]).canonicalBytes())
    }

    private func attest(_ request: Request, _ context: KettleRequestContext) async throws -> Response {
        guard let attestation else { throw ProblemDetails.noTLS }
        let text = request.uri.queryParameters["nonce"].map(String.init) ?? ""
        guard let nonce = BuildNonce(text: text) else {
            throw ProblemDetails.badParameter(
                "nonce", text, hint: "send 16 random bytes as 32 hexadecimal digits; dashes are allowed")
        }
        return Self.json(try await attestation.answer(to: nonce).canonicalBytes(), headers: [.cacheControl: "no-store"])
    }

    private func openAPI(_ request: Request, _ context: KettleRequestContext) -> Response {
        Self.json(Array(OpenAPIDocument.json.utf8))
    }

    /// A file of the web pages.
    private func webFile(_ request: Request, _ context: KettleRequestContext) throws -> Response {
        try WebFiles.response(
            version: parameter("version", context), name: parameter("name", context), to: request)
    }

    // MARK: - Parameters

    private func parameter(_ name: String, _ context: KettleRequestContext) throws -> String {
        guard let text = context.parameters.get(name)?.removingPercentEncoding, !text.isEmpty,
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })  // no recorded name has them, and SQLite ends at NUL
        else { throw ProblemDetails.notFound }
        return text
    }

    private func buildID(_ context: KettleRequestContext) throws -> BuildID {
        let text = try parameter("id", context)
        guard let id = BuildID(text) else { throw ProblemDetails.noSuchBuild(text) }
        return id
    }

    /// The build that the address names, if the caller may read it. Another's private build is as one that never was.
    func existing(_ context: KettleRequestContext) async throws -> BuildRecord {
        let id = try buildID(context)
        guard let record = try await builds.store.record(id, for: context.caller.reader) else {
            throw ProblemDetails.noSuchBuild(id.hex)
        }
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
