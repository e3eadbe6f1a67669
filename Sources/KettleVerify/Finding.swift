public import KettleProvenance

/// What one check found.
public struct Finding: Hashable, Sendable {
    /// How a check ended.
    public enum Status: String, Hashable, Sendable {
        /// It holds.
        case passed
        /// It does not. One of these rejects the bundle.
        case failed
        /// This version of Kettle cannot tell. One of these keeps the bundle from being accepted.
        case undetermined
        /// Nothing was asked of it, or there was nothing to check.
        case notChecked = "not-checked"
    }

    public let status: Status
    /// A stable name, `subject.what`: of the check when it passed, of the reason when it did not.
    public let code: String
    /// One lower-case sentence. It may quote what the bundle says, so it is printed by way of ``text``.
    public let message: String
    /// What would have been right, where two things were compared.
    public let expected: String?
    /// What was there instead.
    public let actual: String?

    init(_ status: Status, _ code: String, _ message: String, expected: String? = nil, actual: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.expected = expected
        self.actual = actual
    }

    /// The finding as a JSON object: `status`, `code`, `message`, and `expected` and `actual` where there are any.
    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "status": .string(status.rawValue), "code": .string(code), "message": .string(message),
        ]
        members["expected"] = expected.map(JSONValue.string)
        members["actual"] = actual.map(JSONValue.string)
        return .object(members)
    }

    /// One line for a person, and one each for *expected* and *actual* unless the check passed.
    public var text: String {
        let mark =
            switch status {
            case .passed: "ok  "
            case .failed: "FAIL"
            case .undetermined: "?   "
            case .notChecked: "-   "
            }
        var lines = ["\(mark)  \(Self.printable(message))"]
        if status != .passed {
            if let expected { lines.append("        expected: \(Self.printable(expected))") }
            if let actual { lines.append("        actual:   \(Self.printable(actual))") }
        }
        return lines.joined(separator: "\n")
    }

    /// Text of a stranger, harmless for a terminal: control characters, line breaks and characters that turn the direction of
    /// text round are written as `\u{…}`, and what is very long is cut.
    public static func printable(_ text: String) -> String {
        // Most text is digits and letters, and short.
        if text.utf8.count <= 1000, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var result = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            count += 1
            guard count <= 1000 else {
                result.append(contentsOf: "…".unicodeScalars)
                break
            }
            switch scalar.value {
            case 0x00...0x1F, 0x7F...0x9F, 0xAD, 0x61C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
                0xFFF9...0xFFFB, 0xE0000...0xE0FFF:
                result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
