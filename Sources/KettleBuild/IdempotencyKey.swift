import KettleProvenance

/// A key that a caller gives a request so that sending it twice builds once (the header `Idempotency-Key`,
/// draft-ietf-httpapi-idempotency-key-header-07).
package struct IdempotencyKey: Sendable, Hashable {
    /// The longest key, in bytes.
    package static let lengthLimit = 255

    let text: String

    /// Reads the header's value: a string of structured fields (RFC 9651, section 3.3.3), or the bare key that most clients send.
    ///
    /// - Returns: nil when it is empty, too long, or holds anything but printable ASCII.
    package init?(header: String) {
        var bytes = Array(header.utf8)
        if bytes.first == UInt8(ascii: "\"") {
            guard bytes.count >= 2, bytes.last == UInt8(ascii: "\"") else { return nil }
            var unquoted: [UInt8] = []
            var isEscaped = false
            for byte in bytes[1..<(bytes.count - 1)] {
                if isEscaped {
                    guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { return nil }
                    unquoted.append(byte)
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else {
                    guard byte != UInt8(ascii: "\"") else { return nil }
                    unquoted.append(byte)
                }
            }
            guard !isEscaped else { return nil }
            bytes = unquoted
        }
        guard (1...Self.lengthLimit).contains(bytes.count), bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return nil
        }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// What is stored of it: each owner has keys of his own.
    func digest(for owner: String?) -> ContentDigest {
        ContentDigest(of: Array((owner ?? "").utf8) + [0] + Array(text.utf8))
    }
}
