/// Text of a stranger's program, made harmless for a terminal and a browser.
///
/// Invalid UTF-8 becomes U+FFFD. Colour and cursor sequences (ECMA-48 CSI and OSC) go, as do other control characters but
/// the tab, and the characters that turn the direction of text round, with which one line can pose as another.
package enum PrintableText {
    package static func make(from bytes: UnsafeRawBufferPointer) -> String {
        if bytes.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }) {
            return String(decoding: bytes, as: UTF8.self)
        }
        var result = String.UnicodeScalarView()
        var state = State.text
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch (state, scalar.value) {
            case (.text, 0x1B): state = .escape
            case (.text, 0x9B): state = .control
            case (.text, 0x00...0x08), (.text, 0x0A...0x1F), (.text, 0x7F...0x9F): result.append("\u{FFFD}")
            case (.text, 0x202A...0x202E), (.text, 0x2066...0x2069), (.text, 0x200E...0x200F), (.text, 0x061C):
                result.append("\u{FFFD}")
            case (.text, 0x2028...0x2029): result.append("\u{FFFD}")
            case (.text, _): result.append(scalar)
            case (.escape, 0x5B): state = .control
            case (.escape, 0x5D), (.escape, 0x50), (.escape, 0x58), (.escape, 0x5E...0x5F): state = .command
            case (.escape, _): state = .text
            case (.control, 0x40...0x7E): state = .text
            case (.control, _): break
            case (.command, 0x07): state = .text
            case (.command, 0x1B): state = .escape
            case (.command, _): break
            }
        }
        return String(result)
    }

    package static func make(from text: String) -> String {
        var copy = text
        return copy.withUTF8 { make(from: UnsafeRawBufferPointer($0)) }
    }

    private enum State {
        case text
        /// After ESC.
        case escape
        /// In a CSI sequence, up to its final byte.
        case control
        /// In an OSC, DCS, SOS, PM or APC string, up to BEL or ST.
        case command
    }
}
