import Glibc
import KettleAttestation
import KettleError
import KettleProvenance
import KettleServer
import KettleSource
import SystemPackage

/// Everything that is wrong with the settings of a service. Nothing is started, made or written for it.
struct ConfigurationCheck {
    let problems: [any UserFacingError]
    /// What is likely not meant, and keeps no service from starting.
    let warnings: [String]

    init(_ settings: Settings, _ environment: [String: String]) {
        var problems: [any UserFacingError] = settings.problems
        // Several of these read the same value, and a problem is told once.
        let checks: [() throws -> Void] = [
            { _ = try URLPolicy(allowedPrefixes: settings.texts("allow-url")) },
            { try Self.lookAtTLS(settings) },
            { try Self.lookAtDataFolder(settings, environment) },
            { try Self.lookAtFolder("cargo-vendor", settings) },
            { try Self.lookAtFolder("build-backends", settings) },
            { try Self.lookAtFolder("hardware-root", settings) },
            { _ = try AttestationSettings(settings).roots() },
            { _ = try TelemetrySettings(settings, environment) },
            { try AccessSettings(settings).check(host: settings.text("host") ?? ServiceSettings.standardHost) },
        ]
        for check in checks {
            do {
                try check()
            } catch {
                let problem =
                    error as? any UserFacingError
                    ?? SettingsError.unusable(origin: "the configuration", text: "\(error)", wanted: "usable")
                if !problems.contains(where: { $0.message == problem.message }) { problems.append(problem) }
            }
        }
        self.problems = problems
        warnings =
            settings.misspelt.map { "\($0.variable) is not a setting; \($0.meant) is" }
            + Self.openDoor(settings)
    }

    private static func lookAtTLS(_ settings: Settings) throws {
        if case .files(let certificate, let key) = try ServiceSettings.tls(settings) {
            _ = try TLSIdentity(certificate: certificate, key: key)
        }
    }

    /// The folder may be missing; then it must be possible to make it.
    private static func lookAtDataFolder(_ settings: Settings, _ environment: [String: String]) throws {
        let wanted = try ServiceSettings.dataFolder(settings, environment)
        var folder = wanted
        while access(folder.string, F_OK) != 0, errno == ENOENT, !folder.components.isEmpty {
            folder.removeLastComponent()
        }
        guard isFolder(folder), access(folder.string, W_OK | X_OK) == 0 else {
            throw SettingsError.unusable(
                origin: settings.values["data-dir"]?.origin ?? "data-dir", text: wanted.string,
                wanted: "a folder that this user may write, or can make")
        }
    }

    private static func lookAtFolder(_ name: String, _ settings: Settings) throws {
        guard let path = try settings.text(name), !isFolder(FilePath(path)) else { return }
        throw SettingsError.unusable(
            origin: settings.values[name]?.origin ?? name, text: path, wanted: "a folder that is there")
    }

    private static func isFolder(_ path: FilePath) -> Bool {
        var status = stat()
        return stat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func openDoor(_ settings: Settings) -> [String] {
        guard let host = try? settings.text("host"), let tls = try? ServiceSettings.tls(settings), tls == .none,
            host != "localhost", host != "::1", !host.hasPrefix("127.")
        else { return [] }
        return ["sources travel in plain text to \(host): there is no TLS"]
    }

    /// `{"usable", "problems": [{"code", "message", "hint"}], "warnings": [text]}`
    var json: JSONValue {
        .object([
            "usable": .bool(problems.isEmpty), "problems": .array(problems.map(JSONValue.init(problem:))),
            "warnings": .array(warnings.map { .string($0) }),
        ])
    }
}
