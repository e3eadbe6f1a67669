/// A table of a TOML document, by key.
typealias TOMLTable = [String: TOMLValue]

/// A value of a TOML document (v1.0.0).
indirect enum TOMLValue: Hashable, Sendable {
    case string(String)
    case integer(Int64)
    case boolean(Bool)
    case array([TOMLValue])
    case table(TOMLTable)
    /// A float, a date or a time, as it was written: nothing that Kettle reads has one.
    case other(String)

    var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    var tableValue: TOMLTable? {
        if case .table(let value) = self { value } else { nil }
    }

    var arrayValue: [TOMLValue]? {
        if case .array(let value) = self { value } else { nil }
    }
}

/// Where and why a document is not TOML.
struct TOMLError: Error, Equatable {
    /// From 1.
    var line: Int
    var reason: String
}
