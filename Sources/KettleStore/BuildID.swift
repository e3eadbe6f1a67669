/// The name of one build: 24 lowercase hexadecimal digits, 96 random bits.
///
/// Whoever knows the id of a public build can read it, so it must not be guessable.
package struct BuildID: Hashable, Sendable, CustomStringConvertible {
    package let hex: String

    /// Draws a new id from the system's random number generator.
    package init() {
        var generator = SystemRandomNumberGenerator()
        var digits: [UInt8] = []
        digits.reserveCapacity(24)
        let alphabet = Array("0123456789abcdef".utf8)
        for _ in 0..<12 {
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            digits.append(alphabet[Int(byte >> 4)])
            digits.append(alphabet[Int(byte & 15)])
        }
        hex = String(decoding: digits, as: UTF8.self)
    }

    /// Reads an id as a client sends it; nil unless it has exactly the form that ``init()`` makes.
    package init?(_ text: some StringProtocol) {
        let digits = text.utf8
        guard digits.count == 24 else { return nil }
        guard digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else { return nil }
        hex = String(text)
    }

    package var description: String { hex }
}
