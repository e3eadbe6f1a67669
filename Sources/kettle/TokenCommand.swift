import ArgumentParser
import Foundation
import KettleAccess
import KettleBuild
import KettleError
import KettleProvenance
import KettleStore
import KettleVerify

/// `kettle token`: who may use a service.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make, list and revoke the tokens of a service, also while it runs.",
        subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}

/// Which service the tokens are of.
struct TokenFolder: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The service's configuration file; only data-dir is used. (default: $KETTLE_CONFIG)", valueName: "file"),
        completion: .file())
    var config: String?

    @Option(
        help: ArgumentHelp(
            "The service's data folder. (default: $XDG_STATE_HOME/kettle, else ~/.local/state/kettle)",
            valueName: "folder"),
        completion: .directory)
    var dataDir: String?

    /// Runs `body` with the tokens in the data folder, which a service may be using.
    func withTokens<Result>(_ body: (TokenStore) async throws -> Result) async throws -> Result {
        let environment = ProcessInfo.processInfo.environment
        let settings = try Settings(
            flags: ["data-dir": dataDir.map { [$0] } ?? []], environment: environment,
            file: config ?? environment["KETTLE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 })
        let folder = try ServiceSettings.dataFolder(settings, environment)
        let tokens = try TokenStore(in: DataFolder(sharing: folder))
        let result = try await body(tokens)
        try tokens.close()
        return result
    }
}

/// `kettle token create`
struct TokenCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a token.",
        discussion: "Prints it on standard output, once: the service keeps its SHA-256 only.")

    @Option(help: "Whose builds the token sends and reads: letters, digits and . _ - @, at most 64.")
    var owner: String

    @Option(help: ArgumentHelp("What you call the token.", valueName: "label"))
    var name: String?

    @Option(
        help: ArgumentHelp(
            "What it is good for: submit, read, metrics or admin. May be repeated.", valueName: "scope"))
    var scope: [Caller.Scope]

    @Option(help: ArgumentHelp("How long it is good for, such as 12h or 90d. (default: forever)", valueName: "time"))
    var expires: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var folder: TokenFolder

    func run() async throws {
        guard OwnerName.isValid(owner) else { throw TokenCommandError.owner(owner) }
        if let name,
            name.count > 100 || name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        {
            throw TokenCommandError.label
        }
        let now = BuildTime.now.milliseconds
        var end: Int64?
        if let expires {
            guard let seconds = Quantity.seconds(expires), (1...3650 * 86_400).contains(seconds) else {
                throw TokenCommandError.expiry(expires)
            }
            end = now + Int64(seconds) * 1000
        }
        let token = AccessToken()
        let stored = token.stored(owner: owner, label: name, scopes: Set(scope), at: now, expiresAt: end)
        try await folder.withTokens { try await $0.insert(stored) }
        if json {
            var members = stored.shown
            members["token"] = .string(token.text)
            Terminal.say(JSONValue.object(members).canonicalString())
        } else {
            Terminal.say(token.text)
        }
    }
}

/// `kettle token list`
struct TokenListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the tokens, the oldest first, without their secrets.")

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var folder: TokenFolder

    func run() async throws {
        let tokens = try await folder.withTokens { try await $0.all() }
        if json {
            Terminal.say(JSONValue.object(["tokens": .array(tokens.map { .object($0.shown) })]).canonicalString())
            return
        }
        let now = BuildTime.now.milliseconds
        for token in tokens {
            var words = [token.id, token.owner, token.scopes.joined(separator: ",")]
            if token.revokedAt != nil {
                words.append("revoked")
            } else if let end = token.expiresAt {
                words.append("\(end <= now ? "expired" : "expires") \(BuildTime(milliseconds: end).timestamp.text)")
            }
            if let last = token.lastUsedAt {
                words.append("last used \(BuildTime(milliseconds: last).timestamp.text)")
            } else {
                words.append("never used")
            }
            if let label = token.label { words.append("\"\(label)\"") }
            Terminal.say(Finding.printable(words.joined(separator: "  ")))
        }
    }
}

/// `kettle token revoke`
struct TokenRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revoke a token, at once.")

    @Argument(help: "The token's id, as kettle token list shows it: the 12 digits behind kettle_.")
    var id: String

    @OptionGroup var folder: TokenFolder

    func run() async throws {
        let isKnown = try await folder.withTokens { try await $0.revoke(id, at: BuildTime.now.milliseconds) }
        // The text may be a whole token, so it is not repeated.
        guard isKnown else { throw TokenCommandError.unknown }
    }
}

extension Caller.Scope: ExpressibleByArgument {}

extension StoredToken {
    /// The members of the JSON that `--json` prints.
    fileprivate var shown: [String: JSONValue] {
        func text(_ time: Int64) -> JSONValue { .string(BuildTime(milliseconds: time).timestamp.text) }
        var members: [String: JSONValue] = [
            "id": .string(id), "owner": .string(owner), "scopes": .array(scopes.map(JSONValue.string)),
            "created_at": text(createdAt),
        ]
        members["name"] = label.map(JSONValue.string)
        members["expires_at"] = expiresAt.map(text)
        members["last_used_at"] = lastUsedAt.map(text)
        members["revoked_at"] = revokedAt.map(text)
        return members
    }
}

/// Why `kettle token` did nothing.
enum TokenCommandError: UserFacingError, Equatable {
    case owner(String)
    case label
    case expiry(String)
    case unknown

    var code: String {
        switch self {
        case .owner: "token.owner"
        case .label: "token.label"
        case .expiry: "token.expiry"
        case .unknown: "token.unknown"
        }
    }

    var message: String {
        switch self {
        case .owner(let name): "\"\(name)\" cannot be an owner's name"
        case .label: "the token's name is longer than 100 characters, or has control characters"
        case .expiry(let text): "--expires is \"\(text)\", and must be a time from 1s to 3650d, such as 12h or 90d"
        case .unknown: "there is no token of that id"
        }
    }

    var hint: String? {
        switch self {
        case .owner: "use 1 to 64 letters, digits and . _ - @, beginning with a letter or a digit"
        case .label, .expiry: nil
        case .unknown: "kettle token list shows the ids"
        }
    }
}
