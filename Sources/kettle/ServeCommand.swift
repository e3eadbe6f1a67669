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
            Ctrl-C it takes no more requests, ends the running builds as failed, closes their streams and leaves.
            """)

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let settings = try options.settings()
        let tls = try Self.identity(settings)
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "kettle")
        logger.logLevel = .info

        let folder = try DataFolder(opening: settings.dataFolder)
        let threads = NIOThreadPool(numberOfThreads: max(8, 4 * System.coreCount))
        threads.start()
        let hardware = try await HardwareAttestation.find(settings.attestation, threads: threads, logger: logger)
        let attester = try hardware?.attester ?? Self.softwareAttester(folder, logger)
        let builds = try await BuildSetup(
            settings: settings, folder: folder, cache: folder.cache, attester: attester,
            collateral: hardware?.collateral, slots: settings.slots
        ).makeService(threads: threads, logger: logger)
        try await builds.recover()
        if let hardware {
            logger.info("hardware vouches for builds", metadata: ["platform": "\(hardware.attester.platform.rawValue)"])
        }
        if let tls {
            logger.info("requests come over TLS", metadata: ["key": "\(ContentDigest(of: tls.publicKey))"])
        }
        let http = try HTTPService.make(
            .init(
                host: settings.host, port: settings.port, uploadLimitInBytes: Int64(settings.uploadLimitInBytes),
                urls: try URLPolicy(allowedPrefixes: settings.allowedURLs), tls: tls), builds: builds,
            logger: logger
        ) { port in
            let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
            Terminal.say("Kettle listens on \(tls == nil ? "http" : "https")://\(host):\(port)")
        }
        var group = ServiceGroupConfiguration(
            services: [.init(service: http), .init(service: BuildLifecycle(builds))],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = Duration.seconds(30)
        try await ServiceGroup(configuration: group).run()
        try builds.store.close()
        try await hardware?.shutdown()
        try await threads.shutdownGracefully()
    }

    /// A key in the data folder, its public half beside it.
    private static func softwareAttester(_ folder: DataFolder, _ logger: Logger) throws -> any Attester {
        let key = try SoftwareKey.loadOrCreate(at: folder.softwareKey.string)
        try Data(key.publicKeyPEM.utf8).write(to: URL(filePath: folder.softwarePublicKey.string), options: .atomic)
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
