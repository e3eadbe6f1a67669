internal import Crypto

/// The SHA-256 of some bytes: what everything in Kettle is known by.
///
/// A digest says nothing of where the bytes came from. It is compared byte for byte, and written as 64 lower-case
/// hexadecimal digits.
public struct ContentDigest: Hashable, Sendable, CustomStringConvertible {
    /// The number of bytes in a digest.
    public static let byteCount = 32

    /// The digest's 32 bytes.
    public let bytes: [UInt8]

    /// The digest of bytes that are in memory.
    public init(of bytes: some Collection<UInt8>) {
        var hasher = ContentHasher()
        hasher.update(bytes)
        self = hasher.finalize()
    }

    /// A digest that was computed elsewhere; nil unless there are 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Reads 64 lower-case hexadecimal digits; nil for anything else.
    ///
    /// Upper case is refused so that a digest has one spelling only, and two that differ as text differ.
    public init?(hex: String) {
        guard let bytes = [UInt8](hexadecimal: hex) else { return nil }
        self.init(bytes: bytes)
    }

    init(_ digest: SHA256Digest) {
        bytes = Array(digest)
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String { bytes.hexadecimal }

    /// The same as ``hex``.
    public var description: String { hex }
}

/// A SHA-256 that is fed piece by piece.
public struct ContentHasher: Sendable {
    private var state = SHA256()

    /// A hasher that has seen nothing yet.
    public init() {}

    /// Takes in the next bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        state.update(bufferPointer: bytes)
    }

    /// Takes in the next bytes.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Takes in the next bytes, without a copy where they lie in one piece.
    public mutating func update(_ bytes: some Collection<UInt8>) {
        let direct: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if direct == nil { update(Array(bytes)) }
    }

    /// The digest of all bytes so far. The hasher can go on afterwards.
    public func finalize() -> ContentDigest {
        ContentDigest(state.finalize())
    }
}
