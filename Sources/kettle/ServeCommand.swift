import ArgumentParser
import Foundation
import KettleAttestation
import KettleBuild
import KettleLauncher
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
        abstract: "Serve builds over HTTP.",
        discussion: """
            Prints the address on standard output once it listens; everything else goes to standard error. On SIGTERM or \
            Ctrl-C it takes no more requests, ends the running builds as failed, closes their streams and leaves.
            """)

    @OptionGroup var options: ServiceOptions

    func run() async throws {
        let settings = try options.settings()
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "kettle")
        logger.logLevel = .info

        let folder = try DataFolder(opening: settings.dataFolder)
        let store = try BuildStore(in: folder)
        let key = try SoftwareKey.loadOrCreate(at: folder.softwareKey.string)
        try Data(key.publicKeyPEM.utf8).write(to: URL(filePath: folder.softwarePublicKey.string), options: .atomic)
        let sandbox = try await Self.sandbox(settings, in: folder.work, logger)
        let cargo = try await CargoToolchain.locate(
            configuration: CargoConfiguration(
                registryMirror: settings.cargoRegistry, vendorDirectory: settings.cargoVendor.map { FilePath($0) },
                cache: folder.cache))
        let urls = try URLPolicy(allowedPrefixes: settings.allowedURLs)
        let threads = NIOThreadPool(numberOfThreads: max(8, 4 * System.coreCount))
        threads.start()

        let builds = BuildService(
            store: store,
            configuration: BuildConfiguration(
                version: Kettle.version, sandbox: sandbox,
                git: GitSource(sandbox: sandbox, policy: urls, threads: threads, commandLimits: settings.limits),
                toolchains: [cargo], attester: SoftwareAttester(key: key), slots: settings.slots,
                limits: settings.limits, artifactLimitInBytes: Int64(settings.artifactLimitInBytes)),
            threads: threads, logger: logger)
        try await builds.recover()
        logger.warning(
            "evidence is signed by software: it says what this service saw, and no hardware vouches for the service",
            metadata: ["key": "\(key.fingerprint)"])
        // The first build needs the digests of the toolchain; nobody should have to wait for them.
        Task.detached { try? await threads.runIfActive { _ = try? cargo.tools() } }

        let http = HTTPService.make(
            .init(
                host: settings.host, port: settings.port, uploadLimitInBytes: Int64(settings.uploadLimitInBytes),
                urls: urls), builds: builds, logger: logger
        ) { port in
            let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
            Terminal.say("Kettle listens on http://\(host):\(port)")
        }
        var group = ServiceGroupConfiguration(
            services: [.init(service: http), .init(service: BuildLifecycle(builds))],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = Duration.seconds(30)
        try await ServiceGroup(configuration: group).run()
        try store.close()
        try await threads.shutdownGracefully()
    }

    /// A sandbox that has been tried, with all that this machine has to confine builds with.
    ///
    /// - Throws: ``ConfinementError/weak(_:)`` when that is less than the operator allowed.
    private static func sandbox(
        _ settings: ServiceSettings, in folder: FilePath, _ logger: Logger
    ) async throws -> Sandbox {
        let confinement = await Confinement.find(settings.limits, in: folder)
        let weak = confinement.weakLimits
        let refused = weak.filter { !settings.allowedUnconfined.contains($0.name) }
        guard refused.isEmpty else { throw ConfinementError.weak(refused) }
        let sandbox = try Sandbox(
            confiner: confiner(), groups: confinement.groups, disk: confinement.disk)
        try await sandbox.probe(in: folder)
        for measure in confinement.measures + weak where measure.grade != .held {
            logger.warning(
                "builds are confined less than they could be",
                metadata: ["what": "\(measure.name)", "state": "\(measure.grade.rawValue)", "by": "\(measure.by)"])
        }
        return sandbox
    }

    /// The program that confines commands, which is built and installed with this one.
    static func confiner() throws -> FilePath {
        FilePath(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            .removingLastComponent().appending("kettle-confine")
    }
}
