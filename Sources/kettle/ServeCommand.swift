import ArgumentParser
import Foundation
import KettleAttestation
import KettleBuild
import KettleLauncher
import KettleProvenance
import KettleSandbox
import KettleServer
import KettleSource
import KettleStore
import KettleTelemetry
import KettleToolchains
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SystemPackage
import UnixSignals

/// `kettle serve`: the service, until SIGTERM or Ctrl-C.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve builds over HTTP or HTTPS.",
        discussion: """
            Prints the address on standard output once it listens; everything else goes to standard error. On SIGTERM or \
            Ctrl-C it takes no more builds, lets the running ones go on for as long as --drain says, and leaves; what has not \
            ended then goes on at the next start. A second signal ends the wait.
            """)

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let given = try options.read()
        for (variable, meant) in given.misspelt {
            Terminal.warn("kettle: warning: \(variable) is not a setting; \(meant) is")
        }
        let settings = try ServiceSettings(given, ProcessInfo.processInfo.environment)
        try settings.access.check(host: settings.host)
        OpenFileLimit.raise()
        // An HTTP client that goes away without being shut down ends the process, whatever there is to tell.
        let services = VendorServices()
        do {
            try await serve(settings, services)
        } catch {
            try? await services.shutdown()
            throw error
        }
        try await services.shutdown()
    }

    private func serve(_ settings: ServiceSettings, _ services: VendorServices) async throws {
        let manager = ServiceManager(ProcessInfo.processInfo.environment)
        let tls = try Self.identity(settings)
        let (telemetry, logger) = Telemetry.start(settings.telemetry)
        defer { telemetry.writer.flush() }

        let folder = try DataFolder(opening: settings.dataFolder)
        let threads = NIOThreadPool(numberOfThreads: max(8, 4 * System.coreCount))
        threads.start()
        let hardware = try await HardwareAttestation.find(settings.attestation, threads: threads, logger: logger)
        let attester = try hardware?.attester ?? Self.softwareAttester(folder, logger)
        let builds = try await BuildSetup(
            settings: settings, folder: folder, cache: folder.cache, attester: attester,
            collateral: hardware?.collateral, slots: settings.slots, recordingPatience: .seconds(3650 * 86_400)
        ).makeService(threads: threads, logger: logger)
        telemetry.registry.beforeReading { [metrics = builds.metrics] in metrics.update() }
        try await builds.recover()
        if let hardware {
            logger.info("hardware vouches for builds", metadata: ["platform": "\(hardware.attester.platform.rawValue)"])
        }
        if let tls {
            logger.info("requests come over TLS", metadata: ["key": "\(ContentDigest(of: tls.publicKey))"])
        }
        var configuration = HTTPService.Configuration(
            host: settings.host, port: settings.port, uploadLimitInBytes: Int64(settings.uploadLimitInBytes),
            urls: try URLPolicy(allowedPrefixes: settings.allowedURLs),
            access: settings.access.access(store: builds.store, services: services, logger: logger),
            quota: settings.access.quota, tls: tls)
        configuration.publicURL = settings.publicURL
        configuration.isAccessLogged = settings.telemetry.isAccessLogged
        let http = try HTTPService.make(
            configuration, builds: builds, metrics: telemetry.registry, logger: logger
        ) { port in
            let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
            Terminal.say("Kettle listens on \(tls == nil ? "http" : "https")://\(host):\(port)")
            manager.ready()
        }
        var configured = ServiceGroupConfiguration(
            services: (telemetry.exporter.map { [.init(service: $0)] } ?? []) + [
                .init(service: http), .init(service: BuildLifecycle(builds, drain: settings.drain, logger: logger)),
                .init(service: StoppingNotice(manager: manager)),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configured.maximumGracefulShutdownDuration = settings.drain + .seconds(30)
        let group = ServiceGroup(configuration: configured)
        let serving = Task { try await group.run() }
        // The first signal begins the drain, another one ends it, and whatever connections wait for.
        let impatience = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint).dropFirst() {
                await builds.stop(.suspend(after: .zero))
                serving.cancel()
            }
        }
        defer { impatience.cancel() }
        do {
            try await serving.value
        } catch is CancellationError {
            logger.notice("the service was told twice to stop")
        }
        try builds.store.close()
        try await hardware?.shutdown()
        try await threads.shutdownGracefully()
    }

    /// A key in the data folder, its public half beside it.
    private static func softwareAttester(_ folder: DataFolder, _ logger: Logger) throws -> any Attester {
        let key = try SoftwareKey.loadOrCreate(at: folder.softwareKey.string)
        let place = URL(filePath: folder.softwarePublicKey.string)
        let publicKey = Data(key.publicKeyPEM.utf8)
        if (try? Data(contentsOf: place)) != publicKey {
            do {
                try publicKey.write(to: place, options: .atomic)
            } catch {
                throw StoreError.writeFailed(
                    what: "the public half of the signing key",
                    reason: (error as NSError).localizedFailureReason ?? error.localizedDescription)
            }
        }
        logger.warning(
            "evidence is signed by software: it says what this service saw, and no hardware vouches for the service",
            metadata: ["key": "\(key.fingerprint)"])
        return SoftwareAttester(key: key)
    }

    /// What the service terminates TLS with; nil where it speaks plain HTTP.
    static func identity(_ settings: ServiceSettings) throws -> TLSIdentity? {
        switch settings.tls {
        case .none: nil
        case .files(let certificate, let key): try TLSIdentity(certificate: certificate, key: key)
        case .generated: try TLSIdentity.generated(for: settings.host)
        }
    }
}
