import KettleAccess
import KettleAttestation
import KettleDevices
import KettleLauncher
import KettleTelemetry
import Logging

extension Setting {
    /// Every setting of a service, in the order in which people read them.
    ///
    /// A new one is a line here, which gives it a variable, a key in the file, a line in the example and in the documentation
    /// and a check; a flag in `ServiceOptions` where it should have one; and a line where its value is used.
    static let all: [Setting] = service + access + tls + builds + attestation + telemetry + limits + quota

    private static let service = [
        Setting("host", .text("HOST"), .value(ServiceSettings.standardHost), "The address to listen on."),
        Setting(
            "port", .number(0...65_535), .value("\(ServiceSettings.standardPort)"),
            "The port to listen on; 0 takes a free one."),
        Setting(
            "public-url", .address, .found("what the request names"), example: "https://kettle.example",
            "Where people reach the service, for the commands and badges on its pages; a proxy that terminates TLS needs it."
        ),
        Setting(
            "data-dir", .folder, .found("$XDG_STATE_HOME/kettle, else ~/.local/state/kettle"),
            example: "/var/lib/kettle",
            "The folder that holds builds, keys and the database; made with mode 0700."),
        Setting(
            "max-upload", .size(1...1 << 46), .value(Quantity.text(bytes: ServiceSettings.standardUploadLimit)),
            "The largest body of a build request."),
        Setting(
            "slots", .number(1...1024),
            .found(
                "half of the processors, or as many as the memory has room for at limits.memory each where that is fewer"
            ),
            example: "2",
            "Builds that run at the same time; others wait, and the owner who has the fewest gets the next slot."),
        Setting(
            "queue", .number(0...100_000), .value("\(ServiceSettings.standardQueueLimit)"),
            "Builds that may be under way beyond those in slots, of one owner half as many; more are refused for the moment."
        ),
        Setting(
            "attempts", .number(1...1_000_000), .value("\(ServiceSettings.standardAttemptLimit)"),
            "How often a build is begun when the service ends unexpectedly while it runs."),
        Setting(
            "drain", .time(from: 0), .value("30s"),
            "How long builds may go on after SIGTERM; what has not ended then goes on at the next start."),
        Setting(
            "min-free-disk", .size(0...1 << 46), .value("1GiB"),
            "Room on the disk of the data folder below which no builds are taken."),
        Setting(
            "keep-for", .time(from: 1), .found("forever"), example: "90d",
            "Remove the files of builds that ended longer ago than this; statement and evidence stay."),
        Setting(
            "keep-builds", .number(0...1_000_000_000), .found("all"), example: "10000",
            "Remove the files of all but this many of the newest builds; statement and evidence stay."),
        Setting(
            "keep-bytes", .size(0...1 << 60), .found("all"), example: "100GiB",
            "Remove the files of the oldest builds while all together take more than this; statement and evidence stay."
        ),
    ]

    private static let access = [
        Setting(
            "access", .choice(["anonymous", "tokens"]), .value("anonymous"),
            "Who may use the service: anonymous, whoever reaches it, on a loopback address only; or tokens, those of kettle token and of the identity providers in the configuration file."
        )
    ]

    private static let tls = [
        Setting(
            "tls-cert", .file, example: "/etc/kettle/tls-cert.pem",
            "Serve over TLS with this certificate chain, in PEM, the service's own first; with tls-key."),
        Setting(
            "tls-key", .file, example: "/etc/kettle/tls-key.pem",
            "The private key of the certificate, in PEM; with tls-cert."),
        Setting(
            "tls-generate", .truth, .value("false"),
            "Serve over TLS with a key made at the start, which stays in memory, and a certificate that it signs itself; clients trust it by evidence."
        ),
    ]

    private static let builds = [
        Setting(
            "allow-url", .list("PREFIX"), example: "http://git.internal/team",
            "A URL prefix that may be cloned besides public https:// addresses."),
        Setting(
            "git-mirror", .list("FROM=TO"), example: "https://github.com/=https://mirror.internal/github/",
            "Repositories that dependencies pin by commit, and whose URLs begin with FROM, are fetched from TO."),
        Setting(
            "cargo-registry", .text("URL"), .found("the public registry"),
            example: "sparse+http://mirror.internal/index/",
            "A sparse registry that stands in for crates.io."),
        Setting(
            "cargo-vendor", .folder, example: "/srv/crates",
            "A folder made by cargo vendor that stands in for crates.io; nothing is fetched then."),
        Setting(
            "go-proxy", .text("URL"), .found("proxy.golang.org"), example: "http://mirror.internal/go/",
            "A Go module proxy that stands in for proxy.golang.org."),
        Setting(
            "npm-registry", .text("URL"), .found("the public registry"), example: "http://mirror.internal/npm/",
            "An npm registry that stands in for registry.npmjs.org, for npm and pnpm."),
        Setting(
            "pypi-files", .text("URL"), .found("files.pythonhosted.org"), example: "http://mirror.internal/pypi/",
            "A mirror of PyPI's files that stands in for files.pythonhosted.org."),
        Setting(
            "build-backends", .folder, example: "/srv/build-backends",
            "A folder of wheels that build Python projects whose uv.lock does not pin what builds them."),
        Setting(
            "nix-github", .text("URL"), .found("https://github.com/"), example: "https://mirror.internal/github/",
            "What stands in for https://github.com/ where archives for the inputs of flakes are fetched."),
        Setting(
            "nix-cache", .text("URL"), .found("https://cache.nixos.org/"), example: "https://cache.internal/",
            "The binary cache that flakes have what their derivations need from, or none for no cache; another than the default needs nix-cache-key."
        ),
        Setting(
            "nix-cache-key", .text("KEY"), .found("the key of cache.nixos.org"),
            example: "cache.internal-1:9SwK2sJmhldXcJNCL6oWwUZYng00r6CgSIrv+PF1dPY=",
            "The public key that signs what nix-cache has."),
        Setting(
            "nix-hashed-mirror", .text("URL"), .found("the URLs that derivations name"),
            example: "https://mirror.internal/tarballs/",
            "What has the files that derivations pin, by their digests as sha256/DIGITS, instead of the URLs that they name."
        ),
        Setting(
            "allow-unconfined", .choices(["memory", "processes", "disk"]), example: "memory",
            "Build although this limit is only watched on this machine: a build can exceed it for a moment."),
    ]

    private static let attestation = [
        Setting(
            "attester", .choice(["auto"] + Platform.allCases.map(\.rawValue)), .value("auto"),
            "Who vouches for builds; auto takes the hardware that is there, else software."),
        Setting(
            "amd-kds", .address, .value(KDS.standardBase), "AMD's Key Distribution Service, or one that caches it."),
        Setting(
            "intel-pcs", .address, .value(CollateralSource.intelBase),
            "Intel's Provisioning Certification Service, or one that caches it."),
        Setting(
            "bundle-collateral", .truth, .value("true"),
            "Put what the chip makers publish into bundles: revocation lists, and the state of firmware."),
        Setting(
            "hardware-root", .folder, .value("/"),
            "The folder that stands for the root of the machine's file system where hardware is looked for."),
        Setting(
            "tpm", .text("TCTI"), .value(AzureVTPM.standardConfiguration),
            "How Azure's TPM is reached, as tpm2-tss writes it."),
        Setting("azure-metadata", .address, .value(AzureMetadata.standardBase), "Azure's metadata service."),
        Setting(
            "trust-roots", .folder, .found("the chip makers' own, which are built in"), example: "/etc/kettle/roots",
            "Check the hardware's evidence against the roots in this folder: for tests, since verifiers trust the chip makers' own."
        ),
    ]

    private static let telemetry = [
        Setting(
            "log-format", .choice(ServiceLogHandler.Format.allCases.map(\.rawValue)), .value("text"),
            "How the log is written: text, or json, an object per line."),
        Setting(
            "log-level", .choice(Logger.Level.allCases.map(\.rawValue)), .value("info"),
            "The least severe messages that are logged."),
        Setting("access-log", .truth, .value("true"), "Log a line for every request."),
    ]

    private static let standardLimits = SandboxLimits()

    private static let limits = [
        Setting(
            "limits.wall-clock", .time(from: 1),
            .value(Quantity.text(seconds: Int(standardLimits.wallClock.components.seconds))),
            "Each command, from its start; a fetch has 15 minutes at most."),
        Setting(
            "limits.processor-time", .time(from: 1),
            .value(Quantity.text(seconds: Int(standardLimits.processorTime.components.seconds))),
            "All processes of a command together."),
        // What a compiler needs at the least, and what the programs that confine a build need besides it.
        Setting(
            "limits.memory", .size(64 << 20...1 << 46), .value(Quantity.text(bytes: standardLimits.memoryBytes)),
            "All processes of a command and its file systems in memory together."),
        Setting(
            "limits.processes", .number(16...4_000_000), .value("\(standardLimits.processes)"),
            "Processes and threads of a command at one time."),
        Setting(
            "limits.disk", .size(16 << 20...1 << 43), .value(Quantity.text(bytes: standardLimits.diskBytes)),
            "What a build's workspace holds: source, outputs, fetched dependencies."),
        Setting(
            "limits.files", .number(1000...100_000_000), .value("\(standardLimits.files)"),
            "Files, folders and links in the workspace."),
        Setting(
            "limits.open-files", .number(64...1_048_576), .value("\(standardLimits.openFiles)"),
            "Descriptors of one process."),
        Setting(
            "limits.output-bytes", .size(1024...1 << 46), .value(Quantity.text(bytes: standardLimits.outputBytes)),
            "What a command prints."),
        Setting(
            "limits.output-lines", .number(10...1_000_000_000), .value("\(standardLimits.outputLines)"),
            "Lines that a command prints."),
        Setting(
            "limits.artifact-bytes", .size(1...1 << 46),
            .value(Quantity.text(bytes: ServiceSettings.standardArtifactLimit)), "All artifacts of a build together."),
    ]

    /// 0 stands for no limit.
    private static let quota = [
        Setting(
            "quota.builds-per-hour", .number(0...1_000_000), .found("60 with access by tokens, else no limit"),
            example: "60", "Builds of one owner in an hour of the clock; 0 for no limit."),
        Setting(
            "quota.bytes-per-day", .size(0...1 << 50), .found("64GiB with access by tokens, else no limit"),
            example: "64GiB", "What one owner sends in a day (UTC); 0 for no limit."),
        Setting(
            "quota.minutes-per-day", .number(0...10_000_000), .found("1440 with access by tokens, else no limit"),
            example: "1440", "Minutes for which the builds of one owner run in a day (UTC); 0 for no limit."),
        Setting(
            "quota.requests-per-minute", .number(0...60_000), .found("1200 with access by tokens, else no limit"),
            example: "1200", "Requests of one owner, or of one address of callers without a token; 0 for no limit."),
    ]

    /// Tables in which the operator names each entry, `[oidc.github]`, and the settings of one entry. They are in the file only.
    static let named: [String: [Setting]] = [
        "oidc": [
            Setting(
                "issuer", .address, example: "https://token.actions.githubusercontent.com", "Who issues the tokens."),
            Setting("audience", .text("TEXT"), example: "kettle", "What a token's aud must be."),
            Setting(
                "subject", .text("PATTERN"), example: "repo:team/*", "Which subjects are meant; * stands for any text."),
            Setting(
                "scopes", .choices(Caller.Scope.allCases.map(\.rawValue)), example: "submit", "What its callers may do."
            ),
            Setting("owner", .text("NAME"), example: "team", "Whose builds its callers' builds are."),
            Setting(
                "jwks-url", .address, .found("what the issuer says"),
                example: "https://token.actions.githubusercontent.com/.well-known/jwks", "Where the issuer's keys are."),
        ]
    ]

    /// Variables that begin like those of settings and are read elsewhere.
    static let otherVariables = ["KETTLE_API", "KETTLE_CONFIG", "KETTLE_TOKEN"]
}
