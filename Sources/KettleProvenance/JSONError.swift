public import KettleError

/// Why bytes are not the strict JSON that Kettle reads. Offsets count bytes from 0.
public enum JSONError: UserFacingError, Hashable {
    case tooLarge(limitInBytes: Int)
    case tooDeep(limit: Int, offset: Int)
    /// More members of objects and elements of arrays than were asked for.
    case tooManyValues(limit: Int, offset: Int)
    case unexpectedEnd
    case unexpectedByte(UInt8, offset: Int)
    case invalidUTF8(offset: Int)
    case invalidEscape(offset: Int)
    /// Half of a UTF-16 surrogate pair, which stands for no character.
    case loneSurrogate(offset: Int)
    /// More combining marks on one character than any language has (UAX #15, Stream-Safe Text Format).
    case tooManyCombiningMarks(limit: Int, offset: Int)
    /// A control character that should have been escaped.
    case controlCharacter(offset: Int)
    /// A number that no double can hold, such as 1e999.
    case numberOutOfRange(offset: Int)
    /// Readers disagree on which of two members counts, so neither does.
    case duplicateMember(String, offset: Int)
    /// Something follows the value.
    case trailingBytes(offset: Int)

    public var code: String {
        switch self {
        case .tooLarge: "json.too_large"
        case .tooDeep: "json.too_deep"
        case .tooManyValues: "json.too_many_values"
        case .unexpectedEnd: "json.unexpected_end"
        case .unexpectedByte: "json.unexpected_byte"
        case .invalidUTF8: "json.invalid_utf8"
        case .invalidEscape: "json.invalid_escape"
        case .loneSurrogate: "json.lone_surrogate"
        case .tooManyCombiningMarks: "json.combining_marks"
        case .controlCharacter: "json.control_character"
        case .numberOutOfRange: "json.number_out_of_range"
        case .duplicateMember: "json.duplicate_member"
        case .trailingBytes: "json.trailing_bytes"
        }
    }

    public var message: String {
        switch self {
        case .tooLarge(let limit): "the JSON is longer than \(limit) bytes"
        case .tooDeep(let limit, let offset): "the JSON nests deeper than \(limit) levels at byte \(offset)"
        case .tooManyValues(let limit, let offset): "the JSON has more than \(limit) values at byte \(offset)"
        case .unexpectedEnd: "the JSON ends in the middle of a value"
        case .unexpectedByte(let byte, let offset):
            "the JSON has an unexpected byte 0x\([byte].hexadecimal) at \(offset)"
        case .invalidUTF8(let offset): "the JSON is not UTF-8 at byte \(offset)"
        case .invalidEscape(let offset): "the JSON has an unknown escape at byte \(offset)"
        case .loneSurrogate(let offset): "the JSON has half of a surrogate pair at byte \(offset)"
        case .tooManyCombiningMarks(let limit, let offset):
            "the JSON has more than \(limit) combining marks on one character in the string at byte \(offset)"
        case .controlCharacter(let offset): "the JSON has an unescaped control character at byte \(offset)"
        case .numberOutOfRange(let offset): "the JSON has a number beyond all doubles at byte \(offset)"
        case .duplicateMember(let name, let offset):
            "the JSON names the member \"\(name)\" twice, again at byte \(offset)"
        case .trailingBytes(let offset): "something follows the JSON at byte \(offset)"
        }
    }

    public var hint: String? { nil }
}
