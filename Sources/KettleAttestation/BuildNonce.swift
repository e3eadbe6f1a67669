import KettleProvenance

/// 16 bytes that a requester chose so that evidence made for it cannot have been made before.
public struct BuildNonce: Hashable, Sendable, CustomStringConvertible {
    /// The number of bytes in a nonce.
    public static let byteCount = 16

    /// Stands for "no nonce was asked for".
    public static let zero = BuildNonce(unchecked: Array(repeating: 0, count: byteCount))

    /// The nonce's 16 bytes.
    public let bytes: [UInt8]

    private init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Nil unless there are 16 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(unchecked: bytes)
    }

    /// Reads 32 hexadecimal digits of either case. One dash may stand between two digits, as in a UUID.
    public init?(text: String) {
        var digits: [UInt8] = []
        var previous = UInt8(ascii: "-")
        for byte in text.utf8 {
            if byte == UInt8(ascii: "-") {
                guard previous != byte else { return nil }
            } else {
                guard digits.count < Self.byteCount * 2 else { return nil }
                let isCapital = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "F")
                digits.append(isCapital ? byte | 0x20 : byte)
            }
            previous = byte
        }
        guard previous != UInt8(ascii: "-"), let bytes = [UInt8](hexadecimal: String(decoding: digits, as: UTF8.self))
        else { return nil }
        self.init(bytes: bytes)
    }

    /// 32 lower-case hexadecimal digits without dashes.
    public var hex: String { bytes.hexadecimal }

    /// The same as ``hex``.
    public var description: String { hex }
}
