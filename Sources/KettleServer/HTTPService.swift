import HTTPTypes
package import Hummingbird
import HummingbirdCore
package import KettleAccess
package import KettleBuild
package import KettleSource
import KettleStore
package import KettleTelemetry
package import Logging
import NIOCore
import ServiceLifecycle

/// The HTTP side of Kettle: an application that serves the routes until it is told to stop.
package struct HTTPService: Sendable {
    /// What the operator settled about it.
    package struct Configuration: Sendable {
        package var host: String
        /// 0 takes a free port.
        package var port: Int
        /// Where people reach it, without slashes at its end; nil for what a request names.
        package var publicURL: String?
        /// Bytes of body that one build request may have.
        package var uploadLimitInBytes: Int64
        package var urls: URLPolicy
        package var access: Access
        package var quota: QuotaLimits
        /// Nil serves plain HTTP.
        package var tls: TLSIdentity?
        /// A line in the log for every request.
        package var isAccessLogged = true

        package init(
            host: String, port: Int, uploadLimitInBytes: Int64, urls: URLPolicy, access: Access,
            quota: QuotaLimits, tls: TLSIdentity? = nil
        ) {
            self.host = host
            self.port = port
            self.uploadLimitInBytes = uploadLimitInBytes
            self.urls = urls
            self.access = access
            self.quota = quota
            self.tls = tls
        }
    }

    /// How long a connection may send nothing in the middle of a request, or between two.
    private static let idleTimeout = TimeAmount.seconds(60)

    /// What is served, under each of the prefixes: methods and paths, in which `:id` and `:name` stand for anything.
    package static var routes: [(method: String, path: String)] { BuildRoutes.table }

    /// - Parameter onListening: Told the port once connections are accepted.
    package static func make(
        _ configuration: Configuration, builds: BuildService, metrics: MetricsRegistry, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void
    ) throws -> some ApplicationProtocol {
        let router = Router(context: KettleRequestContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: RequestObservation(isLogged: configuration.isAccessLogged))
        router.add(middleware: SharedHeaders())
        router.add(
            middleware: CORSMiddleware(
                allowOrigin: .all,
                allowHeaders: [.accept, .authorization, .contentType, .range, .lastEventID, .idempotencyKey],
                allowMethods: [.get, .head, .post, .delete, .options], maxAge: .hours(24)))
        router.add(middleware: ProblemMiddleware())
        let rate = configuration.quota.requestsPerMinute.map { RequestRate(limit: $0) }
        router.add(middleware: AccessMiddleware(access: configuration.access, rate: rate))
        let forms = FormReader(
            limitInBytes: configuration.uploadLimitInBytes, isStopping: { builds.isStopping },
            hasRoom: { builds.hasRoomOnDisk })
        let quota = Quota(configuration.quota, usage: UsageStore(of: builds.store)) { BuildTime.now.milliseconds }
        var attestation: TLSKeyAttestation?
        if let tls = configuration.tls, let attester = builds.configuration.attester {
            attestation = TLSKeyAttestation(publicKey: tls.publicKey, attester: attester)
        }
        BuildRoutes(
            builds: builds, intake: BuildIntake(forms: forms, urls: configuration.urls, threads: builds.threads),
            verification: BundleVerification(forms: forms, builds: builds, quota: quota), quota: quota,
            files: FileIO(threadPool: builds.threads), attestation: attestation,
            observation: ObservationRoutes(
                registry: metrics, readiness: Readiness(Readiness.Check.standard(for: builds))),
            takesTokens: configuration.access.takesTokens, isSecure: configuration.tls != nil,
            publicURL: configuration.publicURL
        ).add(to: router)
        // Plain HTTP is HTTP/1.1. The idle time counts what HTTP receives.
        let handlers = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ReceivedBytes(), ExpectContinueHandler(), UpgradeOfferHandler()],
            idleTimeout: Self.idleTimeout)
        let server =
            if let tls = configuration.tls {
                HTTPServerBuilder { responder in
                    try SecureHTTPChannel(
                        tls: tls.configuration, configuration: handlers, idleTimeout: Self.idleTimeout,
                        responder: responder)
                }
            } else {
                HTTPServerBuilder.http1(configuration: handlers)
            }
        return Application(
            router: router,
            server: server,
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port), serverName: "kettle", backlog: 1024,
                reuseAddress: true),
            onServerRunning: { await onListening($0.localAddress?.port ?? configuration.port) }, logger: logger)
    }
}

/// Headers that every answer bears.
private struct SharedHeaders<Context: RequestContext>: RouterMiddleware {
    /// What a page on another origin may read beside the body. The library's middleware says it in preflights only,
    /// where browsers do not look.
    private static var exposed: String { "Location, ETag, Content-Disposition, Repr-Digest, Retry-After, X-Request-Id" }

    func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        if request.headers[.origin] != nil { response.headers[.accessControlExposeHeaders] = Self.exposed }
        return response
    }
}

/// Runs beside the HTTP server: when the service stops it ends the builds, so that their streams end too.
package struct BuildLifecycle: Service {
    private let builds: BuildService
    private let logger: Logger
    /// How long running builds may go on when the service stops.
    private let drain: Duration

    package init(_ builds: BuildService, drain: Duration, logger: Logger) {
        self.builds = builds
        self.drain = drain
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await prune()
                try? await Task.sleep(for: EventStream.heartbeat)
                builds.wakeIdleReaders()
            }
        }
        await builds.stop(.suspend(after: drain))
    }

    private func prune() async {
        do {
            let count = try await builds.prune()
            if count > 0 { logger.info("took the files of old builds", metadata: ["builds": "\(count)"]) }
        } catch is CancellationError {
        } catch {
            logger.error("old builds cannot be pruned", metadata: ["error": "\(error)"])
        }
    }
}
