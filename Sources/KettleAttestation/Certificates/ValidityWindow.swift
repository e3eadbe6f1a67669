public import KettleProvenance

/// The times at which a verdict holds, both ends included.
public struct ValidityWindow: Hashable, Sendable {
    public private(set) var first: Statement.Timestamp
    public private(set) var last: Statement.Timestamp

    init(_ first: Statement.Timestamp, _ last: Statement.Timestamp) {
        self.first = first
        self.last = last
    }

    /// All times there are.
    static let always = ValidityWindow(
        Statement.Timestamp(secondsSince1970: .min), Statement.Timestamp(secondsSince1970: .max))

    /// Whether the window holds `time`.
    ///
    /// - Parameter time: A second in UTC.
    public func contains(_ time: Statement.Timestamp) -> Bool { first <= time && time <= last }

    mutating func narrow(to other: ValidityWindow) {
        first = max(first, other.first)
        last = min(last, other.last)
    }
}
