import Foundation
import KettleProvenance
package import Logging

/// Writes the log of the service: one line per message, whatever a stranger put into it.
package struct ServiceLogHandler: LogHandler {
    package enum Format: String, Sendable, CaseIterable {
        /// For people: time, level, message, then `key=value`.
        case text
        /// For programs: one JSON object (RFC 8785) per line.
        case json
    }

    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level
    private let label: String
    private let format: Format
    private let writer: LogWriter

    package init(
        label: String, format: Format, level: Logger.Level, writer: LogWriter, provider: Logger.MetadataProvider? = nil
    ) {
        self.label = label
        self.format = format
        self.writer = writer
        logLevel = level
        metadataProvider = provider
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata.merging(metadataProvider?.get() ?? [:]) { own, _ in own }
        all.merge(event.metadata ?? [:]) { $1 }
        let level = event.level
        writer.write(line(level, event.message.description, all)) { lost in
            line(.warning, "lines of the log were lost because nobody read them in time", ["lost": "\(lost)"])
        }
    }

    private func line(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) -> [UInt8] {
        let time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        switch format {
        case .text:
            var text = "\(time) \(level.rawValue) \(label): \(Self.plain(message))"
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
                text += " \(key)=\(Self.quoted("\(value)"))"
            }
            return Array(text.utf8) + [0x0A]
        case .json:
            var members = metadata.mapValues(Self.json)
            members["time"] = .string(time)
            members["level"] = .string(level.rawValue)
            members["logger"] = .string(label)
            members["message"] = .string(message)
            return JSONValue.object(members).canonicalBytes() + [0x0A]
        }
    }

    /// Numbers that were logged as numbers stay numbers.
    private static func json(_ value: Logger.MetadataValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let value as Int): .integer(Int64(value))
        case .stringConvertible(let value as UInt): .integer(Int64(clamping: value))
        case .stringConvertible(let value as Double): .number(value)
        case .stringConvertible(let value as Bool): .bool(value)
        case .stringConvertible(let value): .string("\(value)")
        case .dictionary(let members): .object(members.mapValues(json))
        case .array(let elements): .array(elements.map(json))
        }
    }

    /// Control characters, and the characters that turn the direction of text round, would let a stranger forge lines.
    private static func plain(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHarmful) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isHarmful($0) ? "\u{FFFD}" : $0 }))
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069, 0x200E...0x200F, 0x061C: true
        default: false
        }
    }

    private static func quoted(_ text: String) -> String {
        let text = plain(text)
        guard text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" || $0 == "\\" }) else {
            return text
        }
        return "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
