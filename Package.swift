// swift-tools-version: 6.2
import PackageDescription

// Fuzzing/run sets this. The modules need the flags too: libFuzzer is guided by the paths that it sees taken in them.
let isFuzzing = Context.environment["KETTLE_FUZZ"] != nil
let fuzzing = ["-sanitize=fuzzer,address"]

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
let settings = strict + (isFuzzing ? [.unsafeFlags(fuzzing)] : [])

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let http1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let posix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let socks = Target.Dependency.product(name: "NIOSOCKS", package: "swift-nio-extras")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let programs: [LinkerSetting] = [
    // Libraries that are shipped lie beside the program, where SwiftPM lets it look. With new tags that would hold for what the
    // program itself names, and not for what those libraries need.
    .unsafeFlags(["-Xlinker", "--disable-new-dtags"]),
    // Names of functions stay, for backtraces; what debuggers read is three quarters of the file.
    .unsafeFlags(["-Xlinker", "--strip-debug"], .when(configuration: .release)),
]

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: ["KettleTesting"] + dependencies, path: "Tests/\(name)", swiftSettings: settings)
}

// Each module imports only modules that stand below it in this list.
var targets: [Target] = [
    .executableTarget(
        name: "kettle",
        dependencies: [
            "KettleServer", "KettleClient", "KettleTelemetry", "KettleAccess", "KettleBuild", "KettleStore",
            "KettleToolchains",
            "KettleSource",
            "KettleSandbox", "KettleLauncher",
            "KettleVerify", "KettleDevices", "KettleAttestation", "KettleProvenance", "KettleTOML", "KettleError", log,
            posix, nio, http1, asyncHTTPClient,
            system, subprocess, metrics, tracing,
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Configuration", package: "swift-configuration"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        ], swiftSettings: settings, linkerSettings: programs),
    module(
        "KettleServer",
        [
            "KettleTelemetry", "KettleAccess", "KettleBuild", "KettleStore", "KettleMultipart", "KettleSource",
            "KettleArchive", "KettleVerify",
            "KettleSandbox",
            "KettleLauncher",
            "KettleAttestation",
            "KettleProvenance", "KettleError", "CWeb", http1, hummingbird, mustache, httpTypes,
            nio, posix, log, metrics, tracing, crypto, system, tls, certificates, asn1,
            .product(name: "HummingbirdCore", package: "hummingbird"),
            .product(name: "NIOTLS", package: "swift-nio"),
            .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            .product(name: "NIOHPACK", package: "swift-nio-http2"),
            .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
    // What a client of the service needs, and nothing of the service.
    module(
        "KettleClient",
        [
            "KettleAttestation", "KettleProvenance", "KettleError", nio, posix, http1, tls, httpTypes,
            .product(name: "NIOTLS", package: "swift-nio"),
            .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
        ]),
    // Who may do what.
    module(
        "KettleAccess",
        [
            "KettleStore", "KettleAttestation", "KettleProvenance", "KettleError", crypto, log,
            .product(name: "JWTKit", package: "jwt-kit"),
        ]),
    // What an operator sees of the service: metrics, traces, logs.
    module(
        "KettleTelemetry",
        [
            "KettleProvenance", "KettleError", log, tracing, asyncHTTPClient, nio, http1,
            metrics,
            .product(name: "CoreMetrics", package: "swift-metrics"),
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ]),
    module("KettleMultipart", ["KettleError"]),
    module(
        "KettleBuild",
        [
            "KettleStore", "KettleToolchains", "KettleSource", "KettleSandbox", "KettleLauncher", "KettleAttestation",
            "KettleProvenance", "KettleError", log, metrics, tracing, nio, posix, crypto, system,
        ]),
    module(
        "KettleStore",
        [
            "KettleProvenance", "KettleError", "CArchive", nio, posix, log, system,
            .product(name: "GRDB", package: "GRDB.swift"),
        ]),
    module(
        "KettleToolchains",
        [
            "KettleSource", "KettleSandbox", "KettleTOML", "KettleProvenance", "KettleError", subprocess, system,
            crypto,
            yams,
        ]),
    module("KettleTOML", []),
    module(
        "KettleVerify",
        ["KettleArchive", "KettleTOML", "KettleAttestation", "KettleProvenance", "KettleError", "CArchive", crypto]),
    module(
        "KettleSource",
        [
            "KettleSandbox", "KettleLauncher", "KettleArchive", "KettleProvenance", "KettleError", "CArchive", "CZlib",
            crypto, posix, log, system,
        ]),
    module(
        "KettleSandbox",
        ["KettleLauncher", "KettleConfine", "CLinux", "KettleError", subprocess, system, log, nio, posix, socks]),
    // Runs inside the sandbox, where nothing of Swift is: linked statically, in every configuration.
    .executableTarget(
        name: "kettle-confine", dependencies: ["KettleLauncher", "KettleConfine", "CLinux"], swiftSettings: strict,
        linkerSettings: [.unsafeFlags(["-static-executable"])] + programs),
    module("KettleLauncher", ["KettleConfine", "CLinux", "CSeccomp"]),
    module("KettleConfine", ["CLinux"]),
    module("KettleArchive", ["KettleError", "CArchive", "CZlib"]),
    module(
        "KettleDevices", ["KettleAttestation", "KettleProvenance", "KettleError", "CLinux", "CTSS2", posix, system]),
    .target(
        name: "KettleAttestation",
        dependencies: ["KettleProvenance", "KettleError", crypto, cryptoExtras, asn1],
        resources: [.embedInCode("Roots")], swiftSettings: settings),
    module("KettleProvenance", ["KettleError", crypto]),
    module("KettleError", []),
    .target(name: "CLinux"),
    .target(name: "CWeb", exclude: ["Web"]),
    .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
    .systemLibrary(name: "CTSS2", pkgConfig: "tss2-sys", providers: [.apt(["libtss2-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),

    .target(
        name: "KettleTesting",
        dependencies: [
            "KettleSandbox", "KettleSource", "KettleAttestation", "KettleProvenance", "KettleError", "CArchive",
            hummingbird, httpTypes, nio, posix, subprocess, system, log, crypto, cryptoExtras, http1, tls,
            asyncHTTPClient,
            .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        ], path: "Tests/KettleTesting", swiftSettings: settings),
    tests("KettleProvenanceTests", ["KettleProvenance", "KettleError", crypto, system]),
    tests("KettleAttestationTests", ["KettleAttestation", "KettleProvenance", "KettleError", crypto, system]),
    tests(
        "KettleDevicesTests",
        ["KettleDevices", "KettleAttestation", "KettleProvenance", "KettleError", posix, subprocess, system]),
    tests(
        "KettleVerifyTests",
        ["KettleVerify", "KettleAttestation", "KettleProvenance", "KettleError", "CArchive", crypto, system]),
    tests("KettleSandboxTests", ["KettleSandbox", "KettleLauncher", "KettleError", hummingbird, nio, posix, system]),
    tests("KettleTOMLTests", ["KettleTOML"]),
    tests(
        "KettleToolchainsTests",
        [
            "KettleToolchains", "KettleSandbox", "KettleSource", "KettleProvenance", "KettleError", hummingbird, nio,
            posix, system,
        ]),
    tests(
        "KettleSourceTests",
        [
            "KettleSource", "KettleArchive", "KettleSandbox", "KettleProvenance", "KettleError", hummingbird, httpTypes,
            nio, posix,
            system, crypto,
        ]),
    tests(
        "KettleTelemetryTests", ["KettleTelemetry", "KettleProvenance", "KettleError", log, metrics, tracing, system]),
    tests("KettleMultipartTests", ["KettleMultipart", "KettleError"]),
    tests("KettleStoreTests", ["KettleStore", "KettleProvenance", "KettleError", nio, posix, log, system]),
    tests("KettleAccessTests", ["KettleAccess", "KettleStore", "KettleProvenance", "KettleError", log, system]),
    tests("KettleBuildTests", ["KettleBuild", "KettleProvenance", "KettleError"]),
    tests(
        "KettleClientTests",
        ["KettleClient", "KettleAttestation", "KettleProvenance", "KettleError", nio]),
    tests(
        "EndToEndTests",
        [
            "KettleClient", "KettleAttestation",
            "KettleProvenance", "KettleError", "KettleServer", "KettleStore", hummingbird, httpTypes, nio, log,
            subprocess,
            system,
            asyncHTTPClient, "kettle",
        ]),
]

if isFuzzing {
    func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
        .executableTarget(
            name: name, dependencies: ["CFuzzer"] + dependencies, path: "Fuzzing/\(name)",
            exclude: ["seeds", "dictionary"], swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(fuzzing + ["-use-ld=lld"])])
    }
    targets += [
        .systemLibrary(name: "CFuzzer", path: "Fuzzing/CFuzzer"),
        fuzzer("fuzz-multipart", ["KettleMultipart"]),
        fuzzer("fuzz-toml", ["KettleTOML"]),
        fuzzer("fuzz-npm-lock", ["KettleToolchains", "KettleProvenance"]),
        fuzzer("fuzz-pnpm-lock", ["KettleToolchains", "KettleProvenance"]),
        fuzzer("fuzz-go", ["KettleToolchains"]),
        fuzzer("fuzz-uv-lock", ["KettleToolchains"]),
        fuzzer("fuzz-package-resolved", ["KettleToolchains", "KettleProvenance"]),
        fuzzer("fuzz-flake-lock", ["KettleToolchains", "KettleProvenance"]),
        fuzzer("fuzz-archive", ["KettleSource", "KettleArchive", "KettleSandbox", "KettleError", system]),
        // Genuine evidence, for the four that read evidence.
        .target(
            name: "FuzzVectors", dependencies: ["KettleAttestation", "KettleProvenance"], path: "Fuzzing/FuzzVectors",
            swiftSettings: settings),
        fuzzer("fuzz-certificates", ["FuzzVectors", "KettleAttestation"]),
        fuzzer("fuzz-reports", ["FuzzVectors", "KettleAttestation", "KettleProvenance"]),
        fuzzer("fuzz-vtpm", ["FuzzVectors", "KettleAttestation", "KettleProvenance"]),
        fuzzer("fuzz-collateral", ["FuzzVectors", "KettleAttestation", "KettleProvenance"]),
    ]
}

// Benchmarks/evidence sets this.
if Context.environment["KETTLE_BENCHMARKS"] != nil {
    targets.append(
        .executableTarget(
            name: "evidence-throughput", dependencies: ["KettleAttestation", "KettleProvenance"],
            path: "Benchmarks/evidence-throughput", swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]))
}

let package = Package(
    name: "kettle",
    products: [
        .executable(name: "kettle", targets: ["kettle"]),
        .executable(name: "kettle-confine", targets: ["kettle-confine"]),
        .library(name: "KettleProvenance", targets: ["KettleProvenance"]),
        .library(name: "KettleAttestation", targets: ["KettleAttestation"]),
        .library(name: "KettleVerify", targets: ["KettleVerify"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: targets,
    cxxLanguageStandard: .cxx17
)
