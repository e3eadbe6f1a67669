import ArgumentParser

/// One thing that an operator can settle, and all that is known of it: the help of its flag, the documentation, the example
/// file and the check of its values come from here.
struct Setting: Sendable {
    /// What values there are.
    enum Kind: Sendable {
        /// Anything; the word stands for it in help.
        case text(String)
        case number(ClosedRange<Int>)
        /// Bytes.
        case size(ClosedRange<Int>)
        /// Seconds, up to ten years.
        case time(from: Int)
        case truth
        case choice([String])
        /// An address of a service: `https://` or `http://` and a host.
        case address
        case file
        case folder
        /// Several texts; the word stands for one of them.
        case list(String)
        /// Several of these.
        case choices([String])
    }

    /// What holds where the operator settled nothing.
    enum Standard: Sendable {
        case none
        /// As it would be written.
        case value(String)
        /// Depends on the machine; how, in words.
        case found(String)
    }

    /// That of the flag without its dashes, or `section.key`.
    let name: String
    let kind: Kind
    let standard: Standard
    /// One sentence, for people who run a service.
    let help: String
    /// What stands in the example file where there is no standard value.
    let example: String

    init(_ name: String, _ kind: Kind, _ standard: Standard = .none, example: String = "", _ help: String) {
        self.name = name
        self.kind = kind
        self.standard = standard
        self.help = help
        if case .value(let text) = standard { self.example = text } else { self.example = example }
    }

    /// The longest time, in seconds.
    private static let longest = 3650 * 86_400

    // MARK: - Names

    /// The table of the file in which it stands; nil at the top.
    var section: String? { name.contains(".") ? name.split(separator: ".").first.map(String.init) : nil }

    /// Its name in its table.
    var key: String { section.map { String(name.dropFirst($0.count + 1)) } ?? name }

    /// `limits.output-bytes` is `KETTLE_LIMIT_OUTPUT_BYTES`, `quota.builds` is `KETTLE_QUOTA_BUILDS`.
    var variable: String { (variablePrefix ?? "KETTLE_") + Self.shouted(key) }

    /// What the variables of its section begin with.
    var variablePrefix: String? {
        section.map { $0 == "limits" ? "KETTLE_LIMIT_" : "KETTLE_\(Self.shouted($0))_" }
    }

    /// How it is given on the command line, with what stands for its value.
    var flag: String {
        switch (section, kind) {
        case ("limits", _): "\(Self.flag(name))=\(placeholder)"
        case (_, .truth): "\(Self.flag(name)), --no-\(Self.flag(name).dropFirst(2))"
        default: "\(Self.flag(name)) \(placeholder)"
        }
    }

    /// `limits.memory` is `--limit memory`, `quota.builds` is `--quota-builds`.
    static func flag(_ name: String) -> String {
        if name.hasPrefix("limits.") { return "--limit \(name.dropFirst("limits.".count))" }
        return "--" + name.replacing(".", with: "-")
    }

    private static func shouted(_ name: String) -> String {
        String(name.uppercased().map { $0 == "-" || $0 == "." ? "_" : $0 })
    }

    // MARK: - Values

    var isList: Bool {
        switch kind {
        case .list, .choices: true
        default: false
        }
    }

    /// What a value must be, after "must be".
    var wanted: String {
        switch kind {
        case .text, .file, .folder: "one value"
        case .list, .choices: "a list of strings"
        case .truth: "true or false"
        case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .size(let range): "a size such as 512MiB or 4GiB, \(range.lowerBound) to \(range.upperBound) bytes"
        case .time(let least): "a time such as 90s, 15min or 2h, \(least)s to 3650d"
        case .choice(let choices): "one of \(choices.joined(separator: ", "))"
        case .address: "a URL that begins with https:// or http://"
        }
    }

    /// What speaks against a value by itself, nothing else looked at.
    func problem(with value: Settings.Value?) -> SettingsError? {
        guard let value else { return nil }
        if case .choices(let choices) = kind {
            guard let stranger = value.texts.first(where: { !choices.contains($0) }) else { return nil }
            return .unknown(name: stranger, place: value.origin, known: choices)
        }
        if isList { return nil }
        guard value.texts.count == 1, let text = value.texts.first, accepts(text) else {
            return .unusable(origin: value.origin, text: value.texts.joined(separator: " "), wanted: wanted)
        }
        return nil
    }

    private func accepts(_ text: String) -> Bool {
        switch kind {
        case .text, .list, .choices: true
        // A path with a zero byte would be cut off there.
        case .file, .folder: !text.isEmpty && !text.utf8.contains(0)
        case .truth: Bool(text) != nil
        case .number(let range): Int(text).map(range.contains) ?? false
        case .size(let range): Quantity.bytes(text).map(range.contains) ?? false
        case .time(let least): Quantity.seconds(text).map { (least...Self.longest).contains($0) } ?? false
        case .choice(let choices): choices.contains(text)
        case .address: WebAddress(text) != nil
        }
    }

    // MARK: - Help

    /// Stands for a value.
    var placeholder: String {
        switch kind {
        case .text(let word), .list(let word): word
        case .number: "N"
        case .size: "SIZE"
        case .time: "TIME"
        case .truth: "BOOL"
        case .choice, .choices: "NAME"
        case .address: "URL"
        case .file: "FILE"
        case .folder: "FOLDER"
        }
    }

    /// The standard in words; nil where there is none.
    var standardText: String? {
        switch standard {
        case .none: nil
        case .value(let text): text
        case .found(let words): words
        }
    }

    /// The help of the flag with this name.
    static func help(_ name: String) -> ArgumentHelp {
        guard let setting = all.first(where: { $0.name == name }) else { return "" }
        let standard = setting.standardText.map { " (default: \($0))" } ?? ""
        let repeated = setting.isList ? " May be repeated." : ""
        return ArgumentHelp("\(setting.help)\(repeated)\(standard)", valueName: setting.placeholder.lowercased())
    }
}
