public import KettleError

/// Why bytes are not a statement of Kettle's.
public enum StatementError: UserFacingError, Hashable {
    case notJSON(JSONError)
    case missing(member: String)
    case wrongType(member: String, expected: String)
    case wrongValue(member: String, expected: String, actual: String)

    public var code: String {
        switch self {
        case .notJSON: "statement.not_json"
        case .missing: "statement.missing_member"
        case .wrongType: "statement.wrong_type"
        case .wrongValue: "statement.wrong_value"
        }
    }

    public var message: String {
        switch self {
        case .notJSON(let error): "the statement cannot be read: \(error.message)"
        case .missing(let member): "\(member) is missing"
        case .wrongType(let member, let expected): "\(member) is not \(expected)"
        case .wrongValue(let member, let expected, let actual): "\(member) is \"\(actual)\" and not \(expected)"
        }
    }

    public var hint: String? { nil }
}
