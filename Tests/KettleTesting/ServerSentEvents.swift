package import KettleProvenance

/// A stream of Server-Sent Events, read strictly as Kettle writes it: `id: N`, one `data:` line, a blank line; comments between.
package struct ServerSentEvents: Sendable {
    package struct Event: Sendable, Hashable {
        package var id: Int
        package var data: JSONValue

        package var type: String? { data["type"]?.stringValue }
        package var message: String? { data["message"]?.stringValue }
    }

    package struct Malformed: Error, CustomStringConvertible {
        package var description: String
    }

    package private(set) var events: [Event] = []
    private var pending: [UInt8] = []

    package init() {}

    /// Reads a whole stream.
    package init(reading bytes: some Sequence<UInt8>) throws {
        try feed(bytes)
        guard pending.isEmpty else { throw Malformed(description: "the stream ends inside an event") }
    }

    /// Takes the next bytes. Events are whole once their blank line is there.
    package mutating func feed(_ bytes: some Sequence<UInt8>) throws {
        for byte in bytes {
            if byte == 0x0A, pending.last == 0x0A {
                try take(String(decoding: pending.dropLast(), as: UTF8.self))
                pending.removeAll(keepingCapacity: true)
            } else {
                pending.append(byte)
            }
        }
    }

    private mutating func take(_ frame: String) throws {
        let lines = frame.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.allSatisfy({ $0.hasPrefix(":") }) { return }
        guard lines.count == 2, lines[0].hasPrefix("id: "), let id = Int(lines[0].dropFirst(4)),
            lines[1].hasPrefix("data: ")
        else { throw Malformed(description: "not an event: \(frame.prefix(200))") }
        events.append(Event(id: id, data: try JSONValue(parsing: Array(lines[1].dropFirst(6).utf8))))
    }

    package var messages: [String] { events.compactMap(\.message) }

    /// The `result` of the last event, when that is `complete`.
    package var result: JSONValue? {
        guard let last = events.last, last.type == "complete" else { return nil }
        return last.data["result"]
    }

    package var buildID: String? { events.first?.data["build_id"]?.stringValue }

    /// Whether the events are numbered from `first` without a gap, and exactly the last one is `complete`.
    package func isWhole(from first: Int = 1) -> Bool {
        events.map(\.id) == Array(first..<(first + events.count))
            && events.dropLast().allSatisfy { $0.type == "info" } && events.last?.type == "complete"
    }
}
