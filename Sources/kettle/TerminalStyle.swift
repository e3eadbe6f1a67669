import Foundation
import Glibc

/// What a terminal, or whatever stands in its place, can show.
struct TerminalStyle: Equatable {
    /// Whether a line can be written over.
    let isLive: Bool
    let hasColour: Bool
    /// Whether letters beyond ASCII are shown as they are meant.
    let isUnicode: Bool

    /// - Parameters:
    ///   - isTerminal: Whether a person reads it.
    ///   - environment: `TERM`, `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR` and the locale's variables count.
    init(isTerminal: Bool, _ environment: [String: String]) {
        func value(_ name: String) -> String { environment[name] ?? "" }
        isLive = isTerminal && !["", "dumb"].contains(value("TERM"))
        if !value("NO_COLOR").isEmpty {
            hasColour = false
        } else if !["", "0"].contains(value("CLICOLOR_FORCE")) {
            hasColour = true
        } else {
            hasColour = isLive && value("CLICOLOR") != "0"
        }
        // Where no character set is named, as in C, programs write UTF-8 all the same; one that is named is obeyed.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(value).first { !$0.isEmpty } ?? ""
        let parts = locale.prefix { $0 != "@" }.split(separator: ".", maxSplits: 1)
        let isOther = parts.count == 2 && !["utf8", "utf-8"].contains(parts[1].lowercased())
        isUnicode = !isTerminal || !isOther
    }

    static func of(_ descriptor: CInt) -> TerminalStyle {
        TerminalStyle(isTerminal: isatty(descriptor) == 1, ProcessInfo.processInfo.environment)
    }

    static let output = of(STDOUT_FILENO)
    static let errors = of(STDERR_FILENO)

    /// How many columns the terminal has now; people change it.
    static func columns(of descriptor: CInt) -> Int {
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init).flatMap { $0 > 0 ? $0 : nil } ?? 80
    }

    enum Colour: String {
        case good = "32", bad = "31", doubt = "33", quiet = "2"
    }

    func painted(_ text: String, _ colour: Colour) -> String {
        hasColour ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// The text as this terminal can show it.
    func shown(_ text: String) -> String {
        guard !isUnicode, !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text }
        let plain: [Unicode.Scalar: String] = ["…": "...", "–": "-", "—": "-", "✓": "ok", "✗": "x", "’": "'", "·": "-"]
        return text.unicodeScalars.map { $0.isASCII ? String($0) : plain[$0] ?? "?" }.joined()
    }

    /// As much of a text as fits into so many columns. What is not ASCII counts twice, as some of it is wide.
    static func cut(_ text: String, to columns: Int) -> String {
        var room = columns
        var result = String.UnicodeScalarView()
        // By scalars: one letter may be made of thousands.
        for scalar in text.unicodeScalars {
            room -= scalar.isASCII ? 1 : 2
            guard room >= 0 else { break }
            result.append(scalar)
        }
        return String(result)
    }
}
