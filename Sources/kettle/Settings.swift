import Foundation
import KettleError
import KettleTOML

/// What the operator settled, from flags over `KETTLE_*` variables over the configuration file: texts by name, each with where
/// it came from.
///
/// A name is that of the flag without its dashes (`max-upload`). In the environment it is written `KETTLE_MAX_UPLOAD`, in the
/// file it is the key, and limits stand in the table `[limits]`; here they are `limits.memory`.
struct Settings {
    struct Value: Equatable {
        var texts: [String]
        /// For messages: `--port`, `KETTLE_PORT`, or `port in kettle.toml`.
        var origin: String
    }

    private(set) var values: [String: Value] = [:]

    /// Settings of several values, which blanks separate in a variable.
    private static let lists = ["allow-url", "allow-unconfined"]

    /// The largest configuration file, in bytes.
    private static let fileLimit = 1 << 20

    /// - Parameters:
    ///   - flags: What was given on the command line, by name.
    ///   - names: Every name that there is. Another one in the file is an error.
    /// - Throws: ``SettingsError``.
    init(
        flags: [String: [String]], environment: [String: String], file: String?, names: [String]
    ) throws(SettingsError) {
        if let file { try read(file, names) }
        for name in names {
            let variable = Self.variable(name)
            if let text = environment[variable], !text.isEmpty {
                let texts = Self.lists.contains(name) ? text.split(separator: " ").map(String.init) : [text]
                values[name] = Value(texts: texts, origin: variable)
            }
        }
        for variable in environment.keys.sorted() where variable.hasPrefix("KETTLE_LIMIT_") {
            guard names.contains(where: { Self.variable($0) == variable }) else {
                throw .unknown(name: variable, place: "the environment", known: names.map(Self.variable))
            }
        }
        for (name, texts) in flags where !texts.isEmpty {
            let flag = name.hasPrefix("limits.") ? "--limit \(name.dropFirst("limits.".count))" : "--\(name)"
            values[name] = Value(texts: texts, origin: flag)
        }
    }

    /// `limits.output-bytes` is `KETTLE_LIMIT_OUTPUT_BYTES`.
    static func variable(_ name: String) -> String {
        let words = name.hasPrefix("limits.") ? "limit_" + name.dropFirst("limits.".count) : name
        return "KETTLE_" + words.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    private mutating func read(_ path: String, _ names: [String]) throws(SettingsError) {
        let name = URL(filePath: path).lastPathComponent
        guard let handle = FileHandle(forReadingAtPath: path),
            let data = try? handle.read(upToCount: Self.fileLimit + 1), data.count <= Self.fileLimit
        else { throw .fileUnreadable(path: path) }
        let table: TOMLTable
        do {
            table = try TOMLReader.read(Array(data))
        } catch {
            throw .fileMalformed(path: path, line: error.line, reason: error.reason)
        }
        for (key, value) in table {
            if key == "limits", let limits = value.tableValue {
                for (key, value) in limits { try take("limits.\(key)", value, name, names) }
            } else {
                try take(key, value, name, names)
            }
        }
    }

    private mutating func take(
        _ key: String, _ value: TOMLValue, _ file: String, _ names: [String]
    ) throws(SettingsError) {
        guard names.contains(key) else { throw .unknown(name: key, place: file, known: names) }
        let texts: [String?] =
            switch value {
            case .string(let text): [text]
            case .integer(let number): [String(number)]
            case .boolean(let truth): [String(truth)]
            case .array(let items): items.map(\.stringValue)
            default: [nil]
            }
        let known = texts.compactMap { $0 }
        guard known.count == texts.count else {
            throw .unusable(
                origin: "\(key) in \(file)", text: "\(value)",
                wanted: "a text, a number, true, false or a list of texts")
        }
        values[key] = Value(texts: known, origin: "\(key) in \(file)")
    }

    // MARK: - Values

    func texts(_ name: String) -> [String] { values[name]?.texts ?? [] }

    func text(_ name: String) throws(SettingsError) -> String? { try value(name, "one value") { $0 } }

    func truth(_ name: String) throws(SettingsError) -> Bool? { try value(name, "true or false") { Bool($0) } }

    func integer(_ name: String, _ range: ClosedRange<Int>) throws(SettingsError) -> Int? {
        try value(name, "a number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A number of bytes: `4294967296`, `512MiB`, `4 GiB`, `1GB`.
    func bytes(_ name: String, _ range: ClosedRange<Int>) throws(SettingsError) -> Int? {
        let bounds = "\(range.lowerBound) to \(range.upperBound) bytes"
        return try value(name, "a size such as 512MiB or 4GiB, \(bounds)") { text in
            Quantity.bytes(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A time: `90s`, `15min`, `2h`, or a number of seconds.
    func duration(_ name: String) throws(SettingsError) -> Duration? {
        try value(name, "a time such as 90s, 15min or 2h, 1s to 3650d") { text in
            Quantity.seconds(text).flatMap { (1...3650 * 86_400).contains($0) ? .seconds($0) : nil }
        }
    }

    private func value<Result>(
        _ name: String, _ wanted: String, _ parse: (String) -> Result?
    ) throws(SettingsError) -> Result? {
        guard let value = values[name] else { return nil }
        guard value.texts.count == 1, let text = value.texts.first, let result = parse(text) else {
            throw .unusable(origin: value.origin, text: value.texts.joined(separator: " "), wanted: wanted)
        }
        return result
    }
}

/// Numbers with units, as people write them.
enum Quantity {
    private static let sizes = [
        "": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40, "KB": 1000, "MB": 1_000_000,
        "GB": 1_000_000_000, "TB": 1_000_000_000_000,
    ]
    private static let times = ["": 1, "S": 1, "SEC": 1, "M": 60, "MIN": 60, "H": 3600, "D": 86_400]

    static func bytes(_ text: String) -> Int? { number(text, sizes) }
    static func seconds(_ text: String) -> Int? { number(text, times) }

    private static func number(_ text: String, _ units: [String: Int]) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.uppercased()
        guard let number = Int(digits), let factor = units[unit] else { return nil }
        let product = number.multipliedReportingOverflow(by: factor)
        return product.overflow ? nil : product.partialValue
    }
}

/// What is wrong with the settings of a command.
enum SettingsError: UserFacingError, Equatable {
    case fileUnreadable(path: String)
    case fileMalformed(path: String, line: Int, reason: String)
    case unknown(name: String, place: String, known: [String])
    case unusable(origin: String, text: String, wanted: String)

    var code: String {
        switch self {
        case .fileUnreadable: "settings.file_unreadable"
        case .fileMalformed: "settings.file_malformed"
        case .unknown: "settings.unknown"
        case .unusable: "settings.unusable"
        }
    }

    var message: String {
        switch self {
        case .fileUnreadable(let path): "the configuration file \"\(path)\" cannot be read"
        case .fileMalformed(let path, let line, let reason): "\(path), line \(line): \(reason)"
        case .unknown(let name, let place, _): "there is no setting \"\(name)\" (in \(place))"
        case .unusable(let origin, let text, let wanted): "\(origin) is \"\(text)\", and must be \(wanted)"
        }
    }

    var hint: String? {
        switch self {
        case .fileUnreadable: "name a file of at most 1 MiB with --config"
        case .unknown(_, _, let known): "the settings are \(known.joined(separator: ", "))"
        case .fileMalformed, .unusable: nil
        }
    }
}
