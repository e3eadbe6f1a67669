/// The settings written out for people: as a file to start from and as tables.
enum SettingsDocument {
    /// TOML in which every setting is commented out and stands at its standard value, or at an example where there is none.
    static var example: String {
        var lines = [
            "# Configuration of kettle serve: every setting there is. What is commented out stands at its default, or is an example",
            "# where there is none. Variables (KETTLE_PORT) win over this file, and flags (--port) over both.",
            "#",
            "# kettle config check --config FILE says whether it can be used.",
        ]
        for (section, settings) in sections {
            if let section { lines += ["", "[\(section)]"] }
            for setting in settings { lines += entry(setting) }
        }
        for (section, settings) in Setting.named.sorted(by: { $0.key < $1.key }) {
            lines += ["", "# One table for each, with a name of your choice.", "# [\(section).example]"]
            for setting in settings { lines += entry(setting) }
        }
        return lines.joined(separator: "\n")
    }

    private static func entry(_ setting: Setting) -> [String] {
        var help = setting.help
        if case .found(let words) = setting.standard { help += " Default: \(words)." }
        return ["", "# \(help)", "# \(setting.key) = \(literal(setting))"]
    }

    private static func literal(_ setting: Setting) -> String {
        switch setting.kind {
        case .number, .truth: setting.example
        case .list, .choices: "[\(quoted(setting.example))]"
        case .text, .size, .time, .choice, .address, .file, .folder: quoted(setting.example)
        }
    }

    /// A basic string (TOML 1.0, String).
    private static func quoted(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }

    /// Markdown: a table of the settings at the top of the file, and one for each section.
    static var reference: String {
        var lines: [String] = []
        for (section, settings) in sections {
            if let section { lines += ["", "### `[\(section)]`", ""] }
            lines += ["| Setting | Flag | Variable | Value | Default | |", "| --- | --- | --- | --- | --- | --- |"]
            for setting in settings {
                lines.append(
                    "| `\(setting.key)` | `\(cell(setting.flag))` | `\(setting.variable)` | \(cell(value(setting))) | \(standard(setting)) | \(cell(setting.help)) |"
                )
            }
        }
        for (section, settings) in Setting.named.sorted(by: { $0.key < $1.key }) {
            lines += ["", "### `[\(section).NAME]`", "", "In the file only.", ""]
            lines += ["| Setting | Value | Default | |", "| --- | --- | --- | --- |"]
            for setting in settings {
                lines.append(
                    "| `\(setting.key)` | \(cell(value(setting))) | \(standard(setting)) | \(cell(setting.help)) |")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }

    private static func value(_ setting: Setting) -> String {
        switch setting.kind {
        case .choice(let choices): choices.map { "`\($0)`" }.joined(separator: ", ")
        case .choices(let choices): "several of " + choices.map { "`\($0)`" }.joined(separator: ", ")
        case .list: "several strings"
        case .number(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .size(let range):
            "\(Quantity.text(bytes: range.lowerBound)) to \(Quantity.text(bytes: range.upperBound))"
        case .time(let least): "\(least)s to 3650d"
        case .truth: "true or false"
        case .text: "a string"
        case .address: "a URL"
        case .file: "a file"
        case .folder: "a folder"
        }
    }

    private static func standard(_ setting: Setting) -> String {
        switch setting.standard {
        case .none: "none"
        case .value(let text): "`\(cell(text))`"
        case .found(let words): cell(words)
        }
    }

    /// In the order of the list.
    private static var sections: [(String?, [Setting])] {
        var sections: [(String?, [Setting])] = []
        for setting in Setting.all {
            if let index = sections.firstIndex(where: { $0.0 == setting.section }) {
                sections[index].1.append(setting)
            } else {
                sections.append((setting.section, [setting]))
            }
        }
        // What stands at the top of a file stands before its tables.
        return sections.filter { $0.0 == nil } + sections.filter { $0.0 != nil }
    }
}
