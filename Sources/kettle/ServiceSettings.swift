import Foundation
import KettleBuild
import KettleLauncher
import KettleSandbox
import NIOCore
import SystemPackage

/// What a service runs with, read once.
struct ServiceSettings {
    var host = standardHost
    var port = standardPort
    /// Where people reach it, without slashes at its end; nil for what a request names.
    var publicURL: String?
    var dataFolder: FilePath
    var allowedURLs: [String]
    var gitMirrors: [String]
    var cargoRegistry: String?
    var cargoVendor: String?
    var goProxy: String?
    var npmRegistry: String?
    var pypiFiles: String?
    var buildBackends: String?
    var nixGitHub: String?
    var nixCache: String?
    var nixCacheKey: String?
    var nixHashedMirror: String?
    var uploadLimitInBytes = standardUploadLimit
    /// Each may take all the memory that its limit allows.
    var slots = 1
    var queueLimit = standardQueueLimit
    var attemptLimit = standardAttemptLimit
    var drain = Duration.seconds(30)
    var minimumFreeBytes = 1 << 30
    let retention: Retention
    var limits = SandboxLimits()
    var artifactLimitInBytes = standardArtifactLimit
    var allowedUnconfined: Set<String>
    var tls = TLS.none
    let attestation: AttestationSettings
    let access: AccessSettings
    let telemetry: TelemetrySettings

    static let standardHost = "127.0.0.1"
    static let standardPort = 8080
    /// Bytes.
    static let standardUploadLimit = 4 << 30
    /// Bytes.
    static let standardArtifactLimit = 4 << 30

    static let standardQueueLimit = 500
    static let standardAttemptLimit = 3

    /// Where the key that terminates TLS comes from.
    enum TLS: Equatable {
        /// Plain HTTP.
        case none
        case files(certificate: String, key: String)
        /// Made at the start.
        case generated
    }

    /// - Throws: ``SettingsError`` for a value that cannot be used.
    init(_ settings: Settings, _ environment: [String: String]) throws(SettingsError) {
        if let problem = settings.problems.first { throw problem }
        dataFolder = try Self.dataFolder(settings, environment)
        attestation = try AttestationSettings(settings)
        access = try AccessSettings(settings)
        telemetry = try TelemetrySettings(settings, environment)
        allowedURLs = settings.texts("allow-url")
        gitMirrors = settings.texts("git-mirror")
        cargoRegistry = try settings.text("cargo-registry")
        cargoVendor = try settings.text("cargo-vendor")
        goProxy = try settings.text("go-proxy")
        npmRegistry = try settings.text("npm-registry")
        pypiFiles = try settings.text("pypi-files")
        buildBackends = try settings.text("build-backends")
        nixGitHub = try settings.text("nix-github")
        nixCache = try settings.text("nix-cache")
        nixCacheKey = try settings.text("nix-cache-key")
        nixHashedMirror = try settings.text("nix-hashed-mirror")
        allowedUnconfined = Set(settings.texts("allow-unconfined"))
        if let value = try settings.text("host") { host = value }
        if let value = try settings.integer("port") { port = value }
        publicURL = try settings.text("public-url").flatMap(WebAddress.init)?.text
        if let value = try settings.bytes("max-upload") { uploadLimitInBytes = value }
        if let value = try settings.integer("queue") { queueLimit = value }
        if let value = try settings.integer("attempts") { attemptLimit = value }
        if let value = try settings.duration("drain") { drain = value }
        if let value = try settings.bytes("min-free-disk") { minimumFreeBytes = value }
        retention = Retention(
            age: try settings.duration("keep-for"), builds: try settings.integer("keep-builds"),
            bytes: try settings.bytes("keep-bytes").map { Int64($0) })
        tls = try Self.tls(settings)
        if let value = try settings.duration("limits.wall-clock") { limits.wallClock = value }
        if let value = try settings.duration("limits.processor-time") { limits.processorTime = value }
        if let value = try settings.bytes("limits.memory") { limits.memoryBytes = value }
        if let value = try settings.integer("limits.processes") { limits.processes = value }
        if let value = try settings.bytes("limits.disk") { limits.diskBytes = value }
        if let value = try settings.integer("limits.files") { limits.files = value }
        if let value = try settings.integer("limits.open-files") { limits.openFiles = value }
        if let value = try settings.bytes("limits.output-bytes") { limits.outputBytes = value }
        if let value = try settings.integer("limits.output-lines") { limits.outputLines = value }
        if let value = try settings.bytes("limits.artifact-bytes") { artifactLimitInBytes = value }
        slots =
            try settings.integer("slots")
            ?? max(1, min(System.coreCount / 2, MachineMemory.bytes / limits.memoryBytes))
        // A file system in memory counts as memory: it need not be larger.
        limits.temporaryBytes = min(limits.temporaryBytes, limits.memoryBytes)
    }

    static func tls(_ settings: Settings) throws(SettingsError) -> TLS {
        let isGenerated = try settings.truth("tls-generate") ?? false
        switch (try settings.text("tls-cert"), try settings.text("tls-key"), isGenerated) {
        case (nil, nil, false): return .none
        case (nil, nil, true): return .generated
        case (let certificate?, let key?, false): return .files(certificate: certificate, key: key)
        case (let certificate?, nil, false):
            throw .unusable(origin: "tls-cert", text: certificate, wanted: "given together with tls-key")
        case (nil, let key?, false):
            throw .unusable(origin: "tls-key", text: key, wanted: "given together with tls-cert")
        case (_, _, true):
            throw .unusable(origin: "tls-generate", text: "true", wanted: "given without tls-cert and tls-key")
        }
    }

    /// The folder that was named, or the user's state folder (XDG Base Directory Specification 0.8).
    static func dataFolder(
        _ settings: Settings, _ environment: [String: String]
    ) throws(SettingsError) -> FilePath {
        let path: String
        if let named = try settings.text("data-dir") {
            path = named
        } else if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            path = state + "/kettle"
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            path = home + "/.local/state/kettle"
        } else {
            throw .unusable(origin: "HOME", text: "", wanted: "set, or a folder named with --data-dir")
        }
        return FilePath(URL(filePath: path).standardizedFileURL.path(percentEncoded: false)).lexicallyNormalized()
    }
}
