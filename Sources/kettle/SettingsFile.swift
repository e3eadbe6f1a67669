import Foundation
import KettleTOML

/// The configuration file: settings at the top, those of a section in its table (`[limits]`), and tables that the operator
/// names (`[oidc.github]`).
struct SettingsFile {
    private(set) var layer = SettingsLayer(providerName: "file")
    /// By section, then by the name that the operator gave.
    private(set) var tables: [String: [String: SettingsLayer]] = [:]
    /// What is wrong with it, in the order of the keys.
    private(set) var problems: [SettingsError] = []

    /// The largest file, in bytes.
    private static let limit = 1 << 20

    /// - Throws: ``SettingsError/fileUnreadable(path:)``. What is wrong with the content is in ``problems``.
    init(reading path: String, known: [Setting]) throws(SettingsError) {
        let name = URL(filePath: path).lastPathComponent
        guard let handle = FileHandle(forReadingAtPath: path), let data = try? handle.read(upToCount: Self.limit + 1),
            data.count <= Self.limit
        else { throw .fileUnreadable(path: path) }
        let document: TOMLTable
        do {
            document = try TOMLReader.read(Array(data))
        } catch {
            problems.append(.fileMalformed(path: path, line: error.line, reason: error.reason))
            return
        }
        for (key, value) in document.sorted(by: { $0.key < $1.key }) {
            if let settings = Setting.named[key] {
                takeTables(key, value, name, settings)
            } else if let table = value.tableValue, known.contains(where: { $0.section == key }) {
                for (inner, value) in table.sorted(by: { $0.key < $1.key }) {
                    take("\(key).\(inner)", value, name, known)
                }
            } else {
                take(key, value, name, known)
            }
        }
    }

    private mutating func take(_ key: String, _ value: TOMLValue, _ file: String, _ known: [Setting]) {
        do {
            layer.values[key] = try Self.read(key, value, file, known)
        } catch {
            problems.append(error)
        }
    }

    private mutating func takeTables(_ section: String, _ value: TOMLValue, _ file: String, _ known: [Setting]) {
        let tables = (value.tableValue ?? [:]).sorted { $0.key < $1.key }
        guard value.tableValue != nil, tables.allSatisfy({ $0.value.tableValue != nil }) else {
            return problems.append(
                .unusable(
                    origin: "\(section) in \(file)", text: "a value of another kind",
                    wanted: "tables such as [\(section).NAME]")
            )
        }
        for (name, table) in tables {
            var layer = SettingsLayer(providerName: "file")
            for (key, value) in (table.tableValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                do {
                    layer.values[key] = try Self.read(key, value, "[\(section).\(name)] of \(file)", known)
                } catch {
                    problems.append(error)
                }
            }
            self.tables[section, default: [:]][name] = layer
        }
    }

    private static func read(
        _ key: String, _ value: TOMLValue, _ place: String, _ known: [Setting]
    ) throws(SettingsError) -> Settings.Value {
        guard known.contains(where: { $0.name == key }) else {
            throw .unknown(name: key, place: place, known: known.map(\.name))
        }
        let texts: [String?] =
            switch value {
            case .string(let text): [text]
            case .integer(let number): [String(number)]
            case .boolean(let truth): [String(truth)]
            case .array(let items): items.map(\.stringValue)
            default: [nil]
            }
        let readable = texts.compactMap { $0 }
        guard readable.count == texts.count else {
            throw .unusable(
                origin: "\(key) in \(place)", text: "a value of another kind",
                wanted: "a string, a number, true, false or a list of strings")
        }
        return Settings.Value(texts: readable, origin: "\(key) in \(place)")
    }
}
