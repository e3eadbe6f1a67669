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

    /// Bytes in the largest unit of 1024 that divides them: `4GiB`.
    static func text(bytes: Int) -> String {
        text(bytes, [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)])
    }

    /// Bytes in millions of bytes, with a tenth: `12.3 MB`.
    static func text(megabytes bytes: Int64) -> String {
        let tenths = bytes / 100_000
        return "\(tenths / 10).\(tenths % 10) MB"
    }

    /// Seconds in the largest unit that divides them: `15min`.
    static func text(seconds: Int) -> String {
        text(seconds, [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)])
    }

    private static func text(_ number: Int, _ units: [(name: String, factor: Int)]) -> String {
        guard number > 0, let unit = units.first(where: { number % $0.factor == 0 }) else { return "\(number)" }
        return "\(number / unit.factor)\(unit.name)"
    }
}
