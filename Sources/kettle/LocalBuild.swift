import ArgumentParser
import Foundation
import Glibc
import KettleAttestation
import KettleBuild
import KettleDevices
import KettleError
import KettleProvenance
import KettleSandbox
import KettleSource
import KettleStore
import Logging
import NIOCore
import NIOPosix
import SystemPackage
import UnixSignals

/// What `kettle build` and `kettle attest` have in common.
struct LocalBuildOptions: ParsableArguments {
    @Argument(help: "The project's folder, or a .zip or .tar.gz of it.", completion: .file())
    var path: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            """
            Where the bundle goes, as a folder or, with a name that ends in .zip, as a file; it must not exist.
            """, valueName: "path"),
        completion: .file())
    var output = "kettle-bundle"

    @Option(
        help: ArgumentHelp(
            "The project's folder inside PATH. (default: its root, or its only folder)", valueName: "folder"))
    var project: String?

    @Option(
        help: ArgumentHelp(
            "The toolchain to build with, where a folder holds several projects: cargo, npm … (default: the first that fits)",
            valueName: "name"))
    var toolchain: String?

    @OptionGroup var build: BuildOptions

    @Flag(help: "Print the result as one JSON object.")
    var json = false
}

/// One build on this machine, as a service would do it, without a service.
struct LocalBuild {
    let options: LocalBuildOptions
    let attester: LocalAttester
    /// The options of who attests, by the names of settings.
    var attestation: [String: [String]] = [:]
    var nonce: BuildNonce?

    /// Who attests to the build.
    enum LocalAttester {
        case nobody
        case software(SoftwareKey)
        case hardware
    }

    /// Builds, writes the bundle and tells what is in it.
    ///
    /// - Throws: `ExitCode(1)` when the project is at fault, after its failure was told.
    func run() async throws {
        let output = FilePath(options.output)
        guard access(output.string, F_OK) != 0 else { throw LocalBuildError.outputExists(options.output) }
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        let folder = try DataFolder(opening: scratch.path.appending("data"))
        let environment = ProcessInfo.processInfo.environment
        let settings = try options.build.settings(
            dataFolder: folder.root.string, attestation, environment)
        var logger = Logger(label: "kettle")
        logger.logLevel = .warning
        let threads = NIOThreadPool(numberOfThreads: 4)
        threads.start()
        let hardware = try await hardware(settings.attestation, threads, logger)
        var attester = hardware?.attester
        if case .software(let key) = self.attester { attester = SoftwareAttester(key: key) }
        let builds = try await BuildSetup(
            settings: settings, folder: folder, cache: Self.cache(environment) ?? folder.cache, attester: attester,
            collateral: hardware?.collateral, slots: 1
        ).makeService(threads: threads, logger: logger)
        let source = try await LocalSource.open(options.path, packingInto: scratch.path)
        if let difference = source.difference { Terminal.warn("kettle: \(difference), and built as they are here") }
        let outcome = try await build(source, with: builds, writingTo: output)
        await builds.stop(.end)
        try builds.store.close()
        try await hardware?.shutdown()
        try await threads.shutdownGracefully()
        guard outcome.state == .success else { return try fail(outcome) }
        try tell(outcome, output)
    }

    /// The machine's hardware, where it is to attest.
    private func hardware(
        _ settings: AttestationSettings, _ threads: NIOThreadPool, _ logger: Logger
    ) async throws -> HardwareAttestation? {
        guard case .hardware = attester else { return nil }
        if let found = try await HardwareAttestation.find(settings, threads: threads, logger: logger) {
            Terminal.warn("kettle: the evidence is by \(found.attester.platform.rawValue)")
            return found
        }
        let reasons = try await threads.runIfActive {
            DetectedPlatform.find(in: settings.devices, tpm: settings.tpm).reasons
        }
        throw AttestationSetupError.none(reasons)
    }

    private func build(
        _ source: LocalSource, with builds: BuildService, writingTo output: FilePath
    ) async throws -> BuildOutcome {
        let request = BuildRequest(
            source: .archive(source.archive, name: source.name, digest: source.digest, size: source.size),
            path: options.project, toolchain: options.toolchain, nonce: nonce)
        guard case .build(let running) = try await builds.start(request, from: try builds.openIntake()) else {
            throw LocalBuildError.lost
        }
        // Ctrl-C ends the build with all its processes, and then this command.
        let signals = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { await builds.stop(.end) }
        }
        defer { signals.cancel() }
        guard var reader = try await builds.reader(of: running.id, after: 0) else {
            throw LocalBuildError.lost
        }
        reading: while true {
            switch try await reader.next() {
            case .frames(let frames): show(String(buffer: frames))
            case .idle: continue
            case .end, .interrupted: break reading
            }
        }
        guard let outcome = try await running.outcome() else { throw LocalBuildError.lost }
        if outcome.state == .success { try await builds.export(running.id, to: output) }
        return outcome
    }

    /// Progress is for people: the messages of the events.
    private func show(_ frames: String) {
        for line in frames.split(separator: "\n") where line.hasPrefix("data: ") {
            guard let event = try? JSONValue(parsing: Array(line.dropFirst("data: ".count).utf8)),
                let message = event["message"]?.stringValue
            else { continue }
            Terminal.warn(message)
        }
    }

    /// Where crates and the toolchain's digests are kept from build to build (XDG Base Directory Specification 0.8).
    private static func cache(_ environment: [String: String]) -> FilePath? {
        let base: String
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") {
            base = cache
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            base = home + "/.cache"
        } else {
            return nil
        }
        let folder = base + "/kettle"
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return access(folder, W_OK) == 0 ? FilePath(folder) : nil
    }

    // MARK: - The end

    private func fail(_ outcome: BuildOutcome) throws {
        let result = try JSONValue(parsing: outcome.result, maximumBytes: .max)
        if options.json { Terminal.say(result.canonicalString()) }
        Terminal.warn("kettle: error: \(result["error"]?.stringValue ?? "the build failed")")
        if let hint = result["hint"]?.stringValue { Terminal.warn("kettle: hint: \(hint)") }
        throw ExitCode(outcome.httpStatus == 400 ? 1 : 2)
    }

    private func tell(_ outcome: BuildOutcome, _ output: FilePath) throws {
        let result = try JSONValue(parsing: outcome.result, maximumBytes: .max)
        let artifacts = result["artifacts"]?.arrayValue ?? []
        if options.json {
            let listed = artifacts.map { artifact -> JSONValue in
                [
                    "name": artifact["name"] ?? .null, "sha256": artifact["sha256"] ?? .null,
                    "size": artifact["size"] ?? .null,
                ]
            }
            var members: [String: JSONValue] = [
                "bundle": .string(output.string), "build_id": result["build_id"] ?? .null, "artifacts": .array(listed),
            ]
            members["platform"] = result["platform"]
            Terminal.say(JSONValue.object(members).canonicalString())
            return
        }
        if output.string.hasSuffix(".zip") { return Terminal.say(output.string) }
        for artifact in artifacts {
            Terminal.say(
                "\(artifact["sha256"]?.stringValue ?? "")  \(output)/artifacts/\(artifact["name"]?.stringValue ?? "")")
        }
    }
}

/// Why a local build could not begin or end. Paths are the caller's own words.
enum LocalBuildError: UserFacingError, Equatable {
    case outputExists(String)
    case lost

    var code: String {
        switch self {
        case .outputExists: "build.output_exists"
        case .lost: "internal.unexpected"
        }
    }

    var message: String {
        switch self {
        case .outputExists(let path): "\(Self.shown(path)) exists"
        case .lost: "the build ended without a result"
        }
    }

    var hint: String? {
        switch self {
        case .outputExists: "remove it, or name another place with -o"
        case .lost: nil
        }
    }
}

/// A project that cannot be opened.
enum LocalSourceError: UserFacingError, Equatable {
    case missing(String)

    var code: String { "source.missing" }
    var message: String {
        switch self {
        case .missing(let path): "\(Self.shown(path)) is neither a folder nor a file that can be read"
        }
    }
    var hint: String? { "name the project's folder, or a .zip or .tar.gz of it" }
}
