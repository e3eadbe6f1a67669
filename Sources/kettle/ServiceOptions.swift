import ArgumentParser
import Foundation

/// The options of everything that builds, a service or a command.
struct BuildOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A TOML file with settings, named as the options here; limits stand in a table [limits]. (default: $KETTLE_CONFIG)",
            valueName: "file"),
        completion: .file())
    var config: String?

    @Option(help: Setting.help("allow-url"))
    var allowURL: [String] = []

    @Option(help: Setting.help("git-mirror"))
    var gitMirror: [String] = []

    @Option(help: Setting.help("cargo-registry"))
    var cargoRegistry: String?

    @Option(help: Setting.help("cargo-vendor"), completion: .directory)
    var cargoVendor: String?

    @Option(help: Setting.help("go-proxy"))
    var goProxy: String?

    @Option(help: Setting.help("npm-registry"))
    var npmRegistry: String?

    @Option(help: Setting.help("pypi-files"))
    var pypiFiles: String?

    @Option(help: Setting.help("build-backends"), completion: .directory)
    var buildBackends: String?

    @Option(help: Setting.help("nix-github"))
    var nixGithub: String?

    @Option(help: Setting.help("nix-cache"))
    var nixCache: String?

    @Option(help: Setting.help("nix-cache-key"))
    var nixCacheKey: String?

    @Option(help: Setting.help("nix-hashed-mirror"))
    var nixHashedMirror: String?

    @Option(
        help: ArgumentHelp(
            """
            A limit at which a build is ended, such as memory=4GiB or wall-clock=30min: one of \
            \(Self.limitNames.joined(separator: ", ")). May be repeated. (default: what kettle config show prints)
            """, valueName: "name=value"))
    var limit: [String] = []

    @Option(help: Setting.help("allow-unconfined"))
    var allowUnconfined: [String] = []

    private static let limitNames = Setting.all.filter { $0.section == "limits" }.map(\.key)

    /// Puts flags, environment and file together, for a build whose files are in `dataFolder`.
    ///
    /// - Parameter others: Flags beside those here, by name.
    func settings(
        dataFolder: String, _ others: [String: [String]], _ environment: [String: String]
    ) throws -> ServiceSettings {
        try ServiceSettings(read(others.merging(["data-dir": [dataFolder]]) { $1 }, environment), environment)
    }

    /// Puts flags, environment and file together, and looks at each value by itself alone.
    ///
    /// - Parameter others: Flags beside those here, by name.
    fileprivate func read(
        _ others: [String: [String]], _ environment: [String: String]
    ) throws(SettingsError) -> Settings {
        var flags = others
        flags["cargo-registry"] = cargoRegistry.map { [$0] } ?? []
        flags["cargo-vendor"] = cargoVendor.map { [$0] } ?? []
        flags["go-proxy"] = goProxy.map { [$0] } ?? []
        flags["npm-registry"] = npmRegistry.map { [$0] } ?? []
        flags["pypi-files"] = pypiFiles.map { [$0] } ?? []
        flags["build-backends"] = buildBackends.map { [$0] } ?? []
        flags["nix-github"] = nixGithub.map { [$0] } ?? []
        flags["nix-cache"] = nixCache.map { [$0] } ?? []
        flags["nix-cache-key"] = nixCacheKey.map { [$0] } ?? []
        flags["nix-hashed-mirror"] = nixHashedMirror.map { [$0] } ?? []
        flags["allow-url"] = allowURL
        flags["git-mirror"] = gitMirror
        flags["allow-unconfined"] = allowUnconfined
        for text in limit {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, Self.limitNames.contains(parts[0]) else {
                throw SettingsError.unknown(name: text, place: "--limit NAME=VALUE", known: Self.limitNames)
            }
            flags["limits.\(parts[0])", default: []].append(parts[1])
        }
        return try Settings(
            flags: flags, environment: environment,
            file: config ?? environment["KETTLE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 })
    }
}

/// The options of a service, which `kettle serve` and `kettle doctor` share.
struct ServiceOptions: ParsableArguments {
    @Option(help: Setting.help("host"))
    var host: String?

    @Option(help: Setting.help("port"))
    var port: String?

    @Option(help: Setting.help("public-url"))
    var publicURL: String?

    @Option(help: Setting.help("data-dir"), completion: .directory)
    var dataDir: String?

    @Option(help: Setting.help("max-upload"))
    var maxUpload: String?

    @Option(help: Setting.help("slots"))
    var slots: String?

    @Option(help: Setting.help("queue"))
    var queue: String?

    @Option(help: Setting.help("attempts"))
    var attempts: String?

    @Option(help: Setting.help("drain"))
    var drain: String?

    @Option(help: Setting.help("min-free-disk"))
    var minFreeDisk: String?

    @Option(help: Setting.help("keep-for"))
    var keepFor: String?

    @Option(help: Setting.help("keep-builds"))
    var keepBuilds: String?

    @Option(help: Setting.help("keep-bytes"))
    var keepBytes: String?

    @Option(help: Setting.help("tls-cert"), completion: .file())
    var tlsCert: String?

    @Option(help: Setting.help("tls-key"), completion: .file())
    var tlsKey: String?

    @Flag(inversion: .prefixedNo, help: Setting.help("tls-generate"))
    var tlsGenerate: Bool?

    @OptionGroup var build: BuildOptions

    @OptionGroup(title: "Who attests") var attestation: AttestationOptions

    @OptionGroup(title: "Who may use it") var access: AccessOptions

    @OptionGroup(title: "What the operator sees") var telemetry: TelemetryOptions

    /// Puts flags, environment and file together.
    func settings() throws -> ServiceSettings {
        try ServiceSettings(read(), ProcessInfo.processInfo.environment)
    }

    /// The same, with each value looked at by itself alone.
    func read() throws(SettingsError) -> Settings {
        let flags: [String: [String]] = [
            "host": [host], "port": [port], "public-url": [publicURL], "data-dir": [dataDir],
            "max-upload": [maxUpload], "slots": [slots], "queue": [queue], "attempts": [attempts], "drain": [drain],
            "min-free-disk": [minFreeDisk],
            "keep-for": [keepFor], "keep-builds": [keepBuilds], "keep-bytes": [keepBytes],
            "tls-cert": [tlsCert], "tls-key": [tlsKey], "tls-generate": [tlsGenerate.map { "\($0)" }],
        ].mapValues { $0.compactMap { $0 } }
        return try build.read(
            flags.merging(attestation.flags) { $1 }.merging(access.flags) { $1 }.merging(telemetry.flags) { $1 },
            ProcessInfo.processInfo.environment)
    }
}
