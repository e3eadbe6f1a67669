import HTTPTypes
package import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import KettleBuild
package import KettleSource
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
        /// Bytes of body that one build request may have.
        package var uploadLimitInBytes: Int64
        package var urls: URLPolicy
        /// Nil serves plain HTTP.
        package var tls: TLSIdentity?

        package init(
            host: String, port: Int, uploadLimitInBytes: Int64, urls: URLPolicy, tls: TLSIdentity? = nil
        ) {
            self.host = host
            self.port = port
            self.uploadLimitInBytes = uploadLimitInBytes
            self.urls = urls
            self.tls = tls
        }
    }

    /// How long a connection may send nothing in the middle of a request, or between two.
    private static let idleTimeout = TimeAmount.seconds(60)

    /// - Parameter onListening: Told the port once connections are accepted.
    package static func make(
        _ configuration: Configuration, builds: BuildService, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void
    ) throws -> some ApplicationProtocol {
        let router = Router(options: [.autoGenerateHeadEndpoints])
        router.add(middleware: SharedHeaders())
        router.add(
            middleware: CORSMiddleware(
                allowOrigin: .all, allowHeaders: [.accept, .authorization, .contentType, .range, .lastEventID],
                allowMethods: [.get, .head, .post, .delete, .options], maxAge: .hours(24)))
        router.add(middleware: ProblemMiddleware())
        let intake = BuildIntake(
            uploadLimit: configuration.uploadLimitInBytes, urls: configuration.urls, threads: builds.threads)
        var attestation: TLSKeyAttestation?
        if let tls = configuration.tls, let attester = builds.configuration.attester {
            attestation = TLSKeyAttestation(publicKey: tls.publicKey, attester: attester)
        }
        BuildRoutes(
            builds: builds, intake: intake, files: FileIO(threadPool: builds.threads), attestation: attestation
        ).add(to: router)
        // The idle time counts what HTTP receives, so it ends a handshake that stalls too.
        let http = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [ExpectContinueHandler(), UpgradeOfferHandler()],
                idleTimeout: Self.idleTimeout))
        return Application(
            router: router,
            server: try configuration.tls.map { try .tls(http, tlsConfiguration: $0.configuration) } ?? http,
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
    private static var exposed: String { "Location, ETag, Content-Disposition, Repr-Digest, Retry-After" }

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

    package init(_ builds: BuildService) {
        self.builds = builds
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: EventStream.heartbeat)
                builds.wakeIdleReaders()
            }
        }
        await builds.stop()
    }
}
