public import KettleError

/// Why a file is no policy, and on which line. The file's name is for the one who opened it to say.
public struct PolicyError: UserFacingError, Hashable {
    /// From 1; nil where no single line is at fault.
    public let line: Int?
    public let problem: Problem

    public enum Problem: Hashable, Sendable {
        case tooLarge(limitInBytes: Int)
        case malformed(reason: String)
        case unknownVersion
        case unknownKey(String)
        case missing(key: String)
        case wrongType(key: String, expected: String)
        case empty(key: String)
        case invalid(key: String, value: String, expected: String)
        case duplicate(key: String, value: String)
    }

    public var code: String {
        switch problem {
        case .tooLarge: "policy.too_large"
        case .malformed: "policy.malformed"
        case .unknownVersion: "policy.unknown_version"
        case .unknownKey: "policy.unknown_key"
        case .missing: "policy.missing_key"
        case .wrongType: "policy.wrong_type"
        case .empty: "policy.empty"
        case .invalid: "policy.invalid"
        case .duplicate: "policy.duplicate"
        }
    }

    public var message: String { line.map { "line \($0): \(reason)" } ?? reason }

    /// ``message`` without the line.
    public var reason: String {
        switch problem {
        case .tooLarge(let limit): "the policy is larger than \(limit) bytes"
        case .malformed(let reason): "the policy is not TOML: \(reason)"
        case .unknownVersion: "version: the policy is of a version that this Kettle does not know"
        case .unknownKey(let key): "\(Self.shown(key)) is not a key of a policy"
        case .missing(let key): "the policy has no \(key)"
        case .wrongType(let key, let expected): "\(key) is not \(expected)"
        case .empty(let key): "\(key) is empty, which nothing could satisfy"
        case .invalid(let key, let value, let expected): "\(key) has \(Self.shown(value)), which is not \(expected)"
        case .duplicate(let key, let value): "\(key) has \(Self.shown(value)) twice"
        }
    }

    public var hint: String? {
        switch problem {
        case .unknownVersion, .missing: "a policy begins with version = 1; kettle policy init writes one"
        case .unknownKey: "docs/policy.md has the keys"
        case .empty: "leave the key out to ask nothing"
        default: nil
        }
    }
}
