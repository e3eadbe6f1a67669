package import ServiceContextModule

/// Which span of which trace something belongs to, as `traceparent` says it (W3C Trace Context, section 3.2).
package struct SpanIdentity: Sendable, Hashable {
    /// 16 bytes, not all zero.
    package let traceID: [UInt8]
    /// 8 bytes, not all zero.
    package let spanID: [UInt8]
    /// Whether the trace is recorded.
    package let isSampled: Bool

    /// The root of a trace of its own.
    static func root(isSampled: (_ traceID: [UInt8]) -> Bool) -> SpanIdentity {
        let traceID = random(16)
        return SpanIdentity(traceID: traceID, spanID: random(8), isSampled: isSampled(traceID))
    }

    /// A new span in the trace of this one.
    func child(isSampled: Bool) -> SpanIdentity {
        SpanIdentity(traceID: traceID, spanID: Self.random(8), isSampled: isSampled)
    }

    private init(traceID: [UInt8], spanID: [UInt8], isSampled: Bool) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
    }

    /// Reads the header; nil unless it is `version-traceid-parentid-flags` in lower-case hexadecimal digits.
    ///
    /// Of versions that are not known yet, what version 00 defines is read (section 3.2.2).
    package init?(traceparent text: String) {
        let bytes = Array(text.utf8.prefix(512))
        guard bytes.count >= 55, [2, 35, 52].allSatisfy({ bytes[$0] == 0x2D }),
            let version = Self.bytes(bytes[0..<2]), version != [0xFF],
            version != [0] || bytes.count == 55, bytes.count == 55 || bytes[55] == 0x2D,
            let traceID = Self.bytes(bytes[3..<35]), traceID.contains(where: { $0 != 0 }),
            let spanID = Self.bytes(bytes[36..<52]), spanID.contains(where: { $0 != 0 }),
            let flags = Self.bytes(bytes[53..<55])?.first
        else { return nil }
        self.init(traceID: traceID, spanID: spanID, isSampled: flags & 1 == 1)
    }

    /// 32 hexadecimal digits.
    package var traceIDText: String { Self.hex(traceID) }

    package var traceparent: String { "00-\(Self.hex(traceID))-\(Self.hex(spanID))-0\(isSampled ? 1 : 0)" }

    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }, as: UTF8.self)
    }

    private static func bytes(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        func nibble(_ digit: UInt8) -> UInt8? {
            switch digit {
            case 0x30...0x39: digit - 0x30
            case 0x61...0x66: digit - 0x61 + 10
            default: nil
            }
        }
        var result: [UInt8] = []
        var index = digits.startIndex
        while index + 1 < digits.endIndex {
            guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
            result.append(high << 4 | low)
            index += 2
        }
        return result
    }

    private static func random(_ count: Int) -> [UInt8] {
        while true {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
            if bytes.contains(where: { $0 != 0 }) { return bytes }
        }
    }
}

extension ServiceContext {
    private enum SpanIdentityKey: ServiceContextKey {
        typealias Value = SpanIdentity
    }

    private enum RequestIDKey: ServiceContextKey {
        typealias Value = String
    }

    /// The span in which the task works.
    package var span: SpanIdentity? {
        get { self[SpanIdentityKey.self] }
        set { self[SpanIdentityKey.self] = newValue }
    }

    /// The request for which the task works, as `X-Request-Id` names it.
    package var requestID: String? {
        get { self[RequestIDKey.self] }
        set { self[RequestIDKey.self] = newValue }
    }
}
