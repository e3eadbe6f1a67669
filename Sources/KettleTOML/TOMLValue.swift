/// A table of a TOML document, by key.
package typealias TOMLTable = [String: TOMLValue]

/// A value of a TOML document (v1.0.0).
package indirect enum TOMLValue: Hashable, Sendable {
    case string(String)
    case integer(Int64)
    case boolean(Bool)
    case array([TOMLValue])
    case table(TOMLTable)
    /// A float, a date or a time, as it was written: nothing that Kettle reads has one.
    case other(String)

    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var tableValue: TOMLTable? {
        if case .table(let value) = self { value } else { nil }
    }

    package var arrayValue: [TOMLValue]? {
        if case .array(let value) = self { value } else { nil }
    }
}

/// Where and why a document is not TOML.
package struct TOMLError: Error, Equatable {
    /// From 1.
    package var line: Int
    package var reason: String
}
