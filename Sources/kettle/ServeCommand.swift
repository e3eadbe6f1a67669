import ArgumentParser
import Foundation
import KettleAttestation
import KettleBuild
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

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 takes a free one.")
    var port = 8080

    @Option(
        help: ArgumentHelp(
            "The folder that holds builds, keys and the database (default: $XDG_STATE_HOME/kettle).",
            valueName: "folder"))
    var dataDir: String?

    @Option(
        help: ArgumentHelp(
            """
            A URL prefix that may be cloned besides public https:// addresses, for example http://git.internal/team. \
            May be given several times.
            """, valueName: "prefix"))
    var allowURL: [String] = []

    @Option(help: ArgumentHelp("A sparse registry that stands in for crates.io.", valueName: "url"))
    var cargoRegistry: String?

    @Option(help: ArgumentHelp("A folder of vendored crates that stands in for crates.io.", valueName: "folder"))
    var cargoVendor: String?

    @Option(help: ArgumentHelp("The largest body of a build request, in bytes.", valueName: "bytes"))
    var maxUpload: Int64 = 4 << 30

    @Option(help: "Builds that run at the same time (default: one for every two processors).")
    var slots: Int?

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port is 0 to 65535.") }
        guard maxUpload > 0 else { throw ValidationError("--max-upload is a number of bytes above 0.") }
        guard slots.map({ $0 > 0 }) ?? true else { throw ValidationError("--slots is at least 1.") }
        guard cargoRegistry == nil || cargoVendor == nil else {
            throw ValidationError("--cargo-registry and --cargo-vendor cannot be given together.")
        }
    }

    func run() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "kettle")
        logger.logLevel = .info

        let folder = try DataFolder(opening: dataFolder())
        let store = try BuildStore(in: folder)
        let key = try SoftwareKey.loadOrCreate(at: folder.softwareKey.string)
        try Data(key.publicKeyPEM.utf8).write(to: URL(filePath: folder.softwarePublicKey.string), options: .atomic)
        let sandbox = try Sandbox(launcher: FilePath(Self.executable()))
        try await sandbox.probe(in: folder.work)
        let cargo = try await CargoToolchain.locate(
            configuration: CargoConfiguration(
                registryMirror: cargoRegistry, vendorDirectory: cargoVendor.map { FilePath($0) }, cache: folder.cache))
        let urls = try URLPolicy(allowedPrefixes: allowURL)
        let threads = NIOThreadPool(numberOfThreads: max(8, 4 * System.coreCount))
        threads.start()

        let builds = BuildService(
            store: store,
            configuration: BuildConfiguration(
                version: Kettle.version, sandbox: sandbox,
                git: GitSource(sandbox: sandbox, policy: urls, threads: threads),
                toolchains: [cargo], attester: SoftwareAttester(key: key),
                slots: slots ?? max(1, System.coreCount / 2)),
            threads: threads, logger: logger)
        try await builds.recover()
        logger.warning(
            "evidence is signed by software: it says what this service saw, and no hardware vouches for the service",
            metadata: ["key": "\(key.fingerprint)"])
        // The first build needs the digests of the toolchain; nobody should have to wait for them.
        Task.detached { try? await threads.runIfActive { _ = try? cargo.tools() } }

        let http = HTTPService.make(
            .init(host: host, port: port, uploadLimitInBytes: maxUpload, urls: urls), builds: builds, logger: logger
        ) { port in
            Terminal.say("Kettle listens on http://\(host.contains(":") ? "[\(host)]" : host):\(port)")
        }
        var group = ServiceGroupConfiguration(
            services: [.init(service: http), .init(service: BuildLifecycle(builds))],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = Duration.seconds(30)
        try await ServiceGroup(configuration: group).run()
        try store.close()
        try await threads.shutdownGracefully()
    }

    /// The folder that was named, or the user's state folder (XDG Base Directory Specification 0.8).
    private func dataFolder() throws -> FilePath {
        let environment = ProcessInfo.processInfo.environment
        let path: String
        if let dataDir {
            path = dataDir
        } else if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            path = state + "/kettle"
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            path = home + "/.local/state/kettle"
        } else {
            throw ValidationError("There is no home folder to keep builds in: name one with --data-dir.")
        }
        return FilePath(URL(filePath: path).standardizedFileURL.path(percentEncoded: false)).lexicallyNormalized()
    }

    /// This very program, which the sandbox starts again as its launcher.
    private static func executable() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }
}
