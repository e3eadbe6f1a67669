import KettleProvenance

/// What lies in a Nix store: `/nix/store/<32 characters>-<name>` (Nix manual, "Store path").
package struct StorePath: Sendable, Hashable, Comparable {
    static let folder = "/nix/store"

    /// 32 characters of ``NixBase32``.
    let hash: String
    /// `hello-2.12.1`; of a derivation with `.drv` at its end.
    let name: String

    /// Reads what stands after `/nix/store/`.
    ///
    /// - Returns: nil for what is no name there.
    init?(base: some StringProtocol) {
        let bytes = Array(base.utf8)
        guard (34...243).contains(bytes.count), bytes[32] == UInt8(ascii: "-"),
            bytes[..<32].allSatisfy({ NixBase32.alphabet.contains($0) }), bytes[33] != UInt8(ascii: "."),
            bytes[33...].allSatisfy({ Self.isLetter($0) || Self.isDigit($0) || "+-._?=".utf8.contains($0) })
        else { return nil }
        hash = String(decoding: bytes[..<32], as: UTF8.self)
        name = String(decoding: bytes[33...], as: UTF8.self)
    }

    /// Reads a whole path.
    package init?(_ text: some StringProtocol) {
        guard text.hasPrefix("\(Self.folder)/") else { return nil }
        self.init(base: text.dropFirst(Self.folder.utf8.count + 1))
    }

    /// Where a file with a pinned digest lies (Nix's `makeFixedOutputPath`; Nix manual, "Store path", "Exact specification").
    ///
    /// - Parameter isArchive: Whether the digest is of the file as a Nix archive ("recursive") and not of its bytes ("flat").
    init?(fixed digest: ContentDigest, isArchive: Bool, named name: String) {
        let inner =
            isArchive
            ? "source:sha256:\(digest.hex)"
            : "output:out:sha256:\(ContentDigest(of: "fixed:out:sha256:\(digest.hex):".utf8).hex)"
        let whole = ContentDigest(of: "\(inner):\(Self.folder):\(name)".utf8)
        var short = [UInt8](repeating: 0, count: 20)
        for (index, byte) in whole.bytes.enumerated() { short[index % short.count] ^= byte }
        self.init(base: "\(NixBase32.encode(short))-\(name)")
    }

    /// What stands after `/nix/store/`.
    var base: String { "\(hash)-\(name)" }

    package var text: String { "\(Self.folder)/\(base)" }

    package static func < (first: StorePath, second: StorePath) -> Bool {
        first.base.utf8.lexicographicallyPrecedes(second.base.utf8)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

/// How Nix writes digests: digits and letters without `e`, `o`, `t` and `u`, the last bits first (Nix's `printHash32`).
enum NixBase32 {
    static let alphabet = Array("0123456789abcdfghijklmnpqrsvwxyz".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        let count = (bytes.count * 8 + 4) / 5
        let characters = (0..<count).reversed().map { place in
            let (index, shift) = (place * 5 / 8, place * 5 % 8)
            let next = index + 1 < bytes.count ? Int(bytes[index + 1]) : 0
            return alphabet[(Int(bytes[index]) | next << 8) >> shift & 0x1F]
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// A SHA-256 in its 52 characters, or in 64 hexadecimal digits.
    static func digest(_ text: some StringProtocol) -> ContentDigest? {
        if let digest = ContentDigest(hex: String(text)) { return digest }
        guard text.utf8.count == 52 else { return nil }
        var bytes = [UInt8](repeating: 0, count: ContentDigest.byteCount)
        for (offset, character) in text.utf8.reversed().enumerated() {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            let (index, shift) = (offset * 5 / 8, offset * 5 % 8)
            bytes[index] |= UInt8(truncatingIfNeeded: value << shift)
            if index + 1 < bytes.count { bytes[index + 1] |= UInt8(truncatingIfNeeded: value >> (8 - shift)) }
        }
        // The first character has bits that stand for nothing.
        return encode(bytes) == text ? ContentDigest(bytes: bytes) : nil
    }
}
