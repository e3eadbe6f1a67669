extension Statement {
    /// A second in UTC, written as RFC 3339: `2026-11-24T00:12:10Z`.
    public struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible {
        /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted; from 0 to the last second of the year 9999.
        public let secondsSince1970: Int64

        private static let last: Int64 = 253_402_300_799

        /// - Parameter secondsSince1970: What lies before 1970 or after 9999 becomes the nearest second between.
        public init(secondsSince1970: Int64) {
            self.secondsSince1970 = min(max(secondsSince1970, 0), Self.last)
        }

        /// Reads what ``text`` writes; nil for any other form, offset or fraction, and for days that do not exist.
        public init?(text: String) {
            let bytes = Array(text.utf8)
            let shape = Array("0000-00-00T00:00:00Z".utf8)
            guard bytes.count == shape.count else { return nil }
            for (byte, expected) in zip(bytes, shape) {
                if expected == UInt8(ascii: "0") {
                    guard byte >= 0x30 && byte <= 0x39 else { return nil }
                } else {
                    guard byte == expected else { return nil }
                }
            }
            func field(_ range: Range<Int>) -> Int64 { bytes[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) } }
            let (year, month, day) = (field(0..<4), field(5..<7), field(8..<10))
            let (hour, minute, second) = (field(11..<13), field(14..<16), field(17..<19))
            guard year >= 1970, hour < 24, minute < 60, second < 60 else { return nil }
            let days = Self.days(year: year, month: month, day: day)
            self.init(secondsSince1970: days * 86_400 + hour * 3600 + minute * 60 + second)
            // A month 13 or a 30th of February comes out as another day.
            guard self.text == text else { return nil }
        }

        /// `YYYY-MM-DDThh:mm:ssZ`.
        public var text: String {
            let (year, month, day) = Self.date(days: secondsSince1970 / 86_400)
            let second = secondsSince1970 % 86_400
            func padded(_ value: Int64, _ width: Int) -> String {
                let digits = String(value)
                return String(repeating: "0", count: max(0, width - digits.count)) + digits
            }
            return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(second / 3600, 2)):"
                + "\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))Z"
        }

        /// The same as ``text``.
        public var description: String { text }

        public static func < (left: Timestamp, right: Timestamp) -> Bool {
            left.secondsSince1970 < right.secondsSince1970
        }

        /// Days from 1970-01-01 in the Gregorian calendar, counted in eras of 400 years that begin on a 1 March
        /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
        private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
            let shifted = month <= 2 ? year - 1 : year
            let era = shifted / 400
            let yearOfEra = shifted - era * 400
            let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
            let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            return era * 146_097 + dayOfEra - 719_468
        }

        /// The other way round (`civil_from_days`).
        private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
            let shifted = days + 719_468
            let era = shifted / 146_097
            let dayOfEra = shifted - era * 146_097
            let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let shiftedMonth = (5 * dayOfYear + 2) / 153
            let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
            let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
            return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        }
    }
}
