import ArgumentParser
import Foundation
import KettleLauncher
import KettleSandbox
import NIOCore
import SystemPackage

/// The options of everything that builds, a service or a command.
struct BuildOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A TOML file with settings, named as the options here; limits stand in a table [limits].", valueName: "file"
        ),
        completion: .file())
    var config: String?

    @Option(
        help: ArgumentHelp(
            """
            A URL prefix that may be cloned besides public https:// addresses, for example http://git.internal/team. \
            May be given several times.
            """, valueName: "prefix"))
    var allowURL: [String] = []

    @Option(help: ArgumentHelp("A sparse registry that stands in for crates.io.", valueName: "url"))
    var cargoRegistry: String?

    @Option(
        help: ArgumentHelp("A folder of vendored crates that stands in for crates.io.", valueName: "folder"),
        completion: .directory)
    var cargoVendor: String?

    @Option(
        help: ArgumentHelp(
            """
            Where a build is ended that does not end by itself, for example memory=4GiB or wall-clock=30min. May be given \
            several times. The limits: \(ServiceSettings.limitNames.joined(separator: ", ")).
            """, valueName: "name=value"))
    var limit: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Build although this limit (memory, processes or disk) is only watched on this machine: a build can exceed it for \
            a moment. May be given several times.
            """, valueName: "name"))
    var allowUnconfined: [String] = []

    /// Puts flags, environment and file together, for a build whose files are in `dataFolder`.
    ///
    /// - Parameter others: Flags beside those here, by name.
    func settings(
        dataFolder: String, _ others: [String: [String]], _ environment: [String: String]
    ) throws -> ServiceSettings {
        try settings(others.merging(["data-dir": [dataFolder]]) { $1 }, environment)
    }

    /// - Parameter others: Flags beside those here, by name.
    fileprivate func settings(_ others: [String: [String]], _ environment: [String: String]) throws -> ServiceSettings {
        var flags = others
        flags["cargo-registry"] = cargoRegistry.map { [$0] } ?? []
        flags["cargo-vendor"] = cargoVendor.map { [$0] } ?? []
        flags["allow-url"] = allowURL
        flags["allow-unconfined"] = allowUnconfined
        for text in limit {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, ServiceSettings.limitNames.contains(parts[0]) else {
                throw SettingsError.unknown(name: text, place: "--limit", known: ServiceSettings.limitNames)
            }
            flags["limits.\(parts[0])", default: []].append(parts[1])
        }
        return try ServiceSettings(
            Settings(
                flags: flags, environment: environment,
                file: config ?? environment["KETTLE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 },
                names: ServiceSettings.names), environment)
    }
}

/// The options of a service, which `kettle serve` and `kettle doctor` share.
struct ServiceOptions: ParsableArguments {
    @Option(help: "The address to listen on (default: 127.0.0.1).")
    var host: String?

    @Option(help: "The port to listen on; 0 takes a free one (default: 8080).")
    var port: String?

    @Option(
        help: ArgumentHelp(
            "The folder that holds builds, keys and the database (default: $XDG_STATE_HOME/kettle).",
            valueName: "folder"), completion: .directory)
    var dataDir: String?

    @Option(help: ArgumentHelp("The largest body of a build request (default: 4GiB).", valueName: "size"))
    var maxUpload: String?

    @Option(help: "Builds that run at the same time (default: one for every two processors).")
    var slots: String?

    @Option(
        help: ArgumentHelp("Serve over TLS with this certificate chain, in PEM; with --tls-key.", valueName: "file"),
        completion: .file())
    var tlsCert: String?

    @Option(
        help: ArgumentHelp("The private key of the certificate, in PEM; with --tls-cert.", valueName: "file"),
        completion: .file())
    var tlsKey: String?

    @Flag(
        inversion: .prefixedNo,
        help: """
            Serve over TLS with a key made at the start, which stays in memory, and a certificate that it signs itself. Clients \
            trust it by evidence: kettle submit --require-attestation.
            """)
    var tlsGenerate: Bool?

    @OptionGroup var build: BuildOptions

    @OptionGroup(title: "Who attests") var attestation: AttestationOptions

    /// Puts flags, environment and file together.
    func settings() throws -> ServiceSettings {
        let flags: [String: [String]] = [
            "host": [host], "port": [port], "data-dir": [dataDir], "max-upload": [maxUpload], "slots": [slots],
            "tls-cert": [tlsCert], "tls-key": [tlsKey], "tls-generate": [tlsGenerate.map { "\($0)" }],
        ].mapValues { $0.compactMap { $0 } }
        return try build.settings(
            flags.merging(attestation.flags) { $1 }, ProcessInfo.processInfo.environment)
    }
}

/// What a service runs with, read once.
struct ServiceSettings {
    var host = "127.0.0.1"
    var port = 8080
    var dataFolder: FilePath
    var allowedURLs: [String]
    var cargoRegistry: String?
    var cargoVendor: String?
    var uploadLimitInBytes = 4 << 30
    var slots = max(1, System.coreCount / 2)
    var limits = SandboxLimits()
    var artifactLimitInBytes = 4 << 30
    var allowedUnconfined: Set<String>
    var tls = TLS.none
    let attestation: AttestationSettings

    /// Where the key that terminates TLS comes from.
    enum TLS: Equatable {
        /// Plain HTTP.
        case none
        case files(certificate: String, key: String)
        /// Made at the start.
        case generated
    }

    static let limitNames = [
        "wall-clock", "processor-time", "memory", "processes", "disk", "files", "open-files", "output-bytes",
        "output-lines", "artifact-bytes",
    ]
    static let names =
        [
            "host", "port", "data-dir", "allow-url", "cargo-registry", "cargo-vendor", "max-upload", "slots",
            "allow-unconfined", "tls-cert", "tls-key", "tls-generate",
        ] + AttestationSettings.names + limitNames.map { "limits.\($0)" }
    private static let unconfinable = ["memory", "processes", "disk"]

    /// - Throws: ``SettingsError`` for a value that cannot be used.
    init(_ settings: Settings, _ environment: [String: String]) throws(SettingsError) {
        dataFolder = try Self.dataFolder(settings, environment)
        attestation = try AttestationSettings(settings)
        allowedURLs = settings.texts("allow-url")
        cargoRegistry = try settings.text("cargo-registry")
        cargoVendor = try settings.text("cargo-vendor")
        allowedUnconfined = Set(settings.texts("allow-unconfined"))
        for name in allowedUnconfined where !Self.unconfinable.contains(name) {
            throw .unknown(
                name: name, place: settings.values["allow-unconfined"]?.origin ?? "", known: Self.unconfinable)
        }
        if let value = try settings.text("host") { host = value }
        if let value = try settings.integer("port", 0...65_535) { port = value }
        if let value = try settings.bytes("max-upload", 1...1 << 46) { uploadLimitInBytes = value }
        if let value = try settings.integer("slots", 1...1024) { slots = value }
        tls = try Self.tls(settings)
        if let value = try settings.duration("limits.wall-clock") { limits.wallClock = value }
        if let value = try settings.duration("limits.processor-time") { limits.processorTime = value }
        // What a compiler needs at the least, and what the programs that confine a build need besides it.
        if let value = try settings.bytes("limits.memory", 64 << 20...1 << 46) { limits.memoryBytes = value }
        if let value = try settings.integer("limits.processes", 16...4_000_000) { limits.processes = value }
        if let value = try settings.bytes("limits.disk", 16 << 20...1 << 43) { limits.diskBytes = value }
        if let value = try settings.integer("limits.files", 1000...100_000_000) { limits.files = value }
        if let value = try settings.integer("limits.open-files", 64...1_048_576) { limits.openFiles = value }
        if let value = try settings.bytes("limits.output-bytes", 1024...1 << 46) { limits.outputBytes = value }
        if let value = try settings.integer("limits.output-lines", 10...1_000_000_000) { limits.outputLines = value }
        if let value = try settings.bytes("limits.artifact-bytes", 1...1 << 46) { artifactLimitInBytes = value }
        // A file system in memory counts as memory: it need not be larger.
        limits.temporaryBytes = min(limits.temporaryBytes, limits.memoryBytes)
    }

    private static func tls(_ settings: Settings) throws(SettingsError) -> TLS {
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
    private static func dataFolder(
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
