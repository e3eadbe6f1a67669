import ArgumentParser
import Foundation
import KettleAccess
import KettleBuild
import KettleDevices
import KettleError
import KettleServer
import KettleStore
import Logging

/// The options that say who may use a service.
struct AccessOptions: ParsableArguments {
    @Option(help: Setting.help("access"))
    var access: String?

    @Option(help: Setting.help("quota.builds-per-hour"))
    var quotaBuildsPerHour: String?

    @Option(help: Setting.help("quota.bytes-per-day"))
    var quotaBytesPerDay: String?

    @Option(help: Setting.help("quota.minutes-per-day"))
    var quotaMinutesPerDay: String?

    @Option(help: Setting.help("quota.requests-per-minute"))
    var quotaRequestsPerMinute: String?

    /// By the names of settings.
    var flags: [String: [String]] {
        [
            "access": [access], "quota.builds-per-hour": [quotaBuildsPerHour],
            "quota.bytes-per-day": [quotaBytesPerDay], "quota.minutes-per-day": [quotaMinutesPerDay],
            "quota.requests-per-minute": [quotaRequestsPerMinute],
        ].mapValues { $0.compactMap { $0 } }
    }
}

/// Who may use a service, read once.
struct AccessSettings {
    enum Mode: String {
        case anonymous, tokens
    }

    let mode: Mode
    /// In the order of their names.
    let rules: [OIDCRule]
    let quota: QuotaLimits

    /// - Throws: ``SettingsError`` for a value that cannot be used.
    init(_ settings: Settings) throws(SettingsError) {
        mode = try settings.text("access").flatMap(Mode.init) ?? .anonymous
        var rules: [OIDCRule] = []
        for (name, table) in settings.tables("oidc") { rules.append(try Self.rule(name, table)) }
        self.rules = rules
        quota = try Self.quota(settings, mode)
    }

    /// 0 stands for no limit. Where there are no accounts there is none unless it is set.
    private static func quota(_ settings: Settings, _ mode: Mode) throws(SettingsError) -> QuotaLimits {
        func limit(_ value: Int?, _ standard: Int64) -> Int64? {
            guard let value else { return mode == .tokens ? standard : nil }
            return value == 0 ? nil : Int64(value)
        }
        return QuotaLimits(
            buildsPerHour: limit(try settings.integer("quota.builds-per-hour"), 60),
            bytesPerDay: limit(try settings.bytes("quota.bytes-per-day"), 64 << 30),
            minutesPerDay: limit(try settings.integer("quota.minutes-per-day"), 1440),
            requestsPerMinute: limit(try settings.integer("quota.requests-per-minute"), 1200))
    }

    /// - Throws: ``AccessSetupError`` where everybody would be let in from other machines.
    func check(host: String) throws(AccessSetupError) {
        guard mode != .anonymous || LoopbackHost.contains(host) else { throw .anonymousBeyondLoopback(host: host) }
    }

    /// What the HTTP service is told.
    func access(store: BuildStore, services: VendorServices, logger: Logger) -> Access {
        switch mode {
        case .anonymous: .anonymous
        case .tokens:
            .tokens(
                Authenticator(
                    tokens: TokenStore(of: store), rules: rules, logger: logger,
                    now: { BuildTime.now.milliseconds }, fetch: { try await services.document($0).body }))
        }
    }

    // MARK: - Rules

    private static func rule(_ name: String, _ table: Settings) throws(SettingsError) -> OIDCRule {
        guard OIDCRule.isValidName(name) else {
            throw .unusable(
                origin: "the table oidc.\(name)", text: name, wanted: "named with 1 to 32 letters, digits, _ and -")
        }
        func text(_ key: String, _ wanted: String, _ isUsable: (String) -> Bool) throws(SettingsError) -> String? {
            guard let text = try table.text(key) else { return nil }
            guard isUsable(text) else {
                throw .unusable(origin: "oidc.\(name).\(key)", text: text, wanted: wanted)
            }
            return text
        }
        func required(_ key: String, _ wanted: String, _ isUsable: (String) -> Bool) throws(SettingsError) -> String {
            guard let text = try text(key, wanted, isUsable) else {
                throw .unusable(origin: "oidc.\(name).\(key)", text: "", wanted: wanted)
            }
            return text
        }
        let scopes = Set(table.texts("scopes").compactMap(Caller.Scope.init))
        guard !scopes.isEmpty else {
            throw .unusable(
                origin: "oidc.\(name).scopes", text: "",
                wanted: "a list of \(Caller.Scope.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let url = "a URL that begins with https://, or with http:// on this machine"
        return OIDCRule(
            name: name, issuer: try required("issuer", url, OIDCIssuer.isUsable),
            audience: try required("audience", "a string") { !$0.isEmpty },
            // A star alone would take everybody who can have a token of the issuer.
            subject: SubjectPattern(
                try required("subject", "an exact subject, or one with * for parts of it") { text in
                    text.contains { $0 != "*" && $0 != ":" }
                }),
            scopes: scopes, owner: try text("owner", "an owner's name", OwnerName.isValid),
            keysURL: try text("jwks-url", url, OIDCIssuer.isUsable))
    }
}

/// Why a service is not started as it was asked to.
enum AccessSetupError: UserFacingError, Equatable {
    case anonymousBeyondLoopback(host: String)

    var code: String { "access.anonymous_beyond_loopback" }

    var message: String {
        switch self {
        case .anonymousBeyondLoopback(let host):
            "without accounts, whoever reaches \(host) could build and read everything"
        }
    }

    var hint: String? {
        "use --access tokens and kettle token create, or listen on 127.0.0.1 (with a proxy in front that knows its callers)"
    }
}
