import Configuration
import Synchronization

/// What the operator settled, from flags over `KETTLE_*` variables over the configuration file: texts by name, each with where
/// it came from.
///
/// A name is that of the flag without its dashes (`max-upload`). In the environment it is written `KETTLE_MAX_UPLOAD`, in the
/// file it is the key. A section's settings stand in its table and have its name in front: `memory` in `[limits]` is
/// `limits.memory`. What each must be says its ``Setting``.
struct Settings: Sendable {
    struct Value: Equatable, Sendable {
        var texts: [String]
        /// For messages: `--port`, `KETTLE_PORT`, or `port in kettle.toml`.
        var origin: String
    }

    private let known: [Setting]
    private(set) var values: [String: Value] = [:]
    /// Everything that is wrong with them by themselves: names that there are not, and values that cannot be read.
    private(set) var problems: [SettingsError] = []
    /// Variables that no setting has, and the variable that was probably meant.
    private(set) var misspelt: [(variable: String, meant: String)] = []
    private var named: [String: [(name: String, settings: Settings)]] = [:]

    /// - Parameters:
    ///   - flags: What was given on the command line, by name.
    ///   - known: Every setting that there is. Another one in the file is a problem.
    /// - Throws: ``SettingsError/fileUnreadable(path:)``; all else is in ``problems``.
    init(
        flags: [String: [String]], environment: [String: String], file: String?, known: [Setting] = Setting.all
    ) throws(SettingsError) {
        self.known = known
        let document: SettingsFile? = if let file { try SettingsFile(reading: file, known: known) } else { nil }
        problems = document?.problems ?? []
        read([
            Self.layer(of: flags), Self.layer(of: environment, known),
            document?.layer ?? SettingsLayer(providerName: "file"),
        ])
        lookForStrangers(in: environment)
        for (section, tables) in document?.tables ?? [:] {
            named[section] = tables.sorted { $0.key < $1.key }.map { name, layer in
                (name, Settings(layer, known: Setting.named[section] ?? []))
            }
        }
        problems += named.sorted { $0.key < $1.key }.flatMap { $0.value.flatMap(\.settings.problems) }
    }

    /// The settings of a table that the operator named.
    private init(_ layer: SettingsLayer, known: [Setting]) {
        self.known = known
        read([layer])
    }

    /// Takes the first value that there is of each setting, and checks it.
    private mutating func read(_ layers: [SettingsLayer]) {
        let origins = Origins()
        let reader = ConfigReader(providers: layers, accessReporter: origins)
        for setting in known {
            guard let texts = reader.stringArray(forKey: ConfigKey(setting.name)) else { continue }
            values[setting.name] = Value(texts: texts, origin: origins.last ?? setting.name)
            if let problem = setting.problem(with: values[setting.name]) { problems.append(problem) }
        }
    }

    /// Keeps where the value that was read last came from.
    private final class Origins: AccessReporter {
        private let origin = Mutex<String?>(nil)

        var last: String? { origin.withLock { $0 } }

        func report(_ event: AccessEvent) {
            let found = event.providerResults.lazy.compactMap { try? $0.result.get() }.first { $0.value != nil }
            origin.withLock { $0 = found?.encodedKey }
        }
    }

    // MARK: - Flags and environment

    private static func layer(of flags: [String: [String]]) -> SettingsLayer {
        var layer = SettingsLayer(providerName: "flags")
        for (name, texts) in flags where !texts.isEmpty {
            layer.values[name] = Value(texts: texts, origin: Setting.flag(name))
        }
        return layer
    }

    /// An empty variable settles nothing. Blanks separate the values of a setting of several.
    private static func layer(of environment: [String: String], _ known: [Setting]) -> SettingsLayer {
        var layer = SettingsLayer(providerName: "environment")
        for setting in known {
            guard let text = environment[setting.variable], !text.isEmpty else { continue }
            let texts = setting.isList ? text.split(separator: " ").map(String.init) : [text]
            layer.values[setting.name] = Value(texts: texts, origin: setting.variable)
        }
        return layer
    }

    /// Variables of a section are settings or mistakes. Others may be anybody's, so what is close to a setting is only noted.
    private mutating func lookForStrangers(in environment: [String: String]) {
        let variables = known.map(\.variable)
        let sections = Set(known.compactMap(\.variablePrefix))
        for variable in environment.keys.sorted() where variable.hasPrefix("KETTLE_") && !variables.contains(variable) {
            if sections.contains(where: variable.hasPrefix) {
                problems.append(.unknown(name: variable, place: "the environment", known: variables))
            } else if !Setting.otherVariables.contains(variable),
                let meant = Spelling.closest(to: variable, in: variables)
            {
                misspelt.append((variable, meant))
            }
        }
    }

    // MARK: - Values

    /// The tables of a section in which the operator names each: `[oidc.github]` is `github` of `oidc`. By name.
    func tables(_ section: String) -> [(name: String, settings: Settings)] { named[section] ?? [] }

    func texts(_ name: String) -> [String] { values[name]?.texts ?? [] }

    func text(_ name: String) throws(SettingsError) -> String? { try value(name) { $0 } }

    func truth(_ name: String) throws(SettingsError) -> Bool? { try value(name, Bool.init) }

    func integer(_ name: String) throws(SettingsError) -> Int? { try value(name) { Int($0) } }

    /// A number of bytes: `4294967296`, `512MiB`, `4 GiB`, `1GB`.
    func bytes(_ name: String) throws(SettingsError) -> Int? { try value(name, Quantity.bytes) }

    /// A time: `90s`, `15min`, `2h`, or a number of seconds.
    func duration(_ name: String) throws(SettingsError) -> Duration? {
        try value(name) { text in Quantity.seconds(text).map { .seconds($0) } }
    }

    private func value<Result>(_ name: String, _ parse: (String) -> Result?) throws(SettingsError) -> Result? {
        guard let setting = known.first(where: { $0.name == name }) else {
            throw .unknown(name: name, place: "the program", known: known.map(\.name))
        }
        guard let value = values[name] else { return nil }
        if let problem = setting.problem(with: value) { throw problem }
        guard let result = value.texts.first.flatMap(parse) else {
            throw .unusable(origin: value.origin, text: value.texts.joined(separator: " "), wanted: setting.wanted)
        }
        return result
    }
}
