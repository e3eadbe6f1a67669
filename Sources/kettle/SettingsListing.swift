import KettleProvenance
import SystemPackage

/// Every setting with what holds and where it comes from, for `kettle config show`.
struct SettingsListing {
    private struct Row {
        let name: String
        /// Nil where nothing is settled and there is no standard.
        let texts: [String]?
        let isList: Bool
        let origin: String
    }

    private let rows: [Row]

    init(_ settings: Settings, _ environment: [String: String]) {
        // What depends on the machine is told as it is here.
        var found: [String: String] = [:]
        if let service = try? ServiceSettings(settings, environment) {
            found = ["slots": "\(service.slots)", "data-dir": service.dataFolder.string]
        }
        var rows = Setting.all.map { Self.row($0, $0.name, settings, found) }
        for section in Setting.named.keys.sorted() {
            for (name, table) in settings.tables(section) {
                rows += (Setting.named[section] ?? []).map { Self.row($0, "\(section).\(name).\($0.name)", table, [:]) }
            }
        }
        self.rows = rows
    }

    private static func row(
        _ setting: Setting, _ name: String, _ settings: Settings, _ found: [String: String]
    ) -> Row {
        if let value = settings.values[setting.name] {
            return Row(name: name, texts: value.texts, isList: setting.isList, origin: value.origin)
        }
        let standard: String? =
            switch setting.standard {
            case .none: nil
            case .value(let text): text
            case .found: found[setting.name]
            }
        return Row(name: name, texts: standard.map { [$0] }, isList: setting.isList, origin: "default")
    }

    var lines: [String] {
        let width = (rows.map(\.name.count).max() ?? 0) + 2
        return rows.map { row in
            let name = row.name + String(repeating: " ", count: width - row.name.count)
            return "\(name)\(row.texts?.joined(separator: " ") ?? "-")  (\(row.origin))"
        }
    }

    /// `{"settings": [{"name", "value", "origin"}]}`: a text, a list of texts, or null where nothing holds.
    var json: JSONValue {
        let objects = rows.map { row -> JSONValue in
            let value: JSONValue =
                if row.isList {
                    .array((row.texts ?? []).map { .string($0) })
                } else {
                    row.texts.map { .string($0.joined(separator: " ")) } ?? .null
                }
            return .object(["name": .string(row.name), "value": value, "origin": .string(row.origin)])
        }
        return .object(["settings": .array(objects)])
    }
}
