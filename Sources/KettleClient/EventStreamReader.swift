import Glibc
package import KettleProvenance

/// One event of a build, as a service sent it.
package struct ServiceEvent: Sendable {
    /// Counts from 1.
    package let number: Int
    /// For people. A stranger's words.
    package let message: String?
    /// The result, on the last event.
    package let result: JSONValue?
    /// All of it, a JSON object.
    package let json: JSONValue

    /// What the service is at; nil where it does not say.
    package var phase: String? { json["phase"]?.stringValue }
    /// Whether the line is the build's own output.
    package var isOutput: Bool { json["stream"] != nil }
    /// Milliseconds since 1970; nil where the service does not say.
    package var time: Int64? { json["time_ms"]?.integerValue }
}

/// Cuts Server-Sent Events (the WHATWG HTML standard, section 9.2) out of a body that arrives in pieces.
///
/// Only LF ends a line, as Kettle writes it; a CR before it is dropped.
struct EventStreamReader {
    /// The longest line: the last event holds a statement of 16 MiB and, in base64, evidence of 10 MiB.
    static let lineLimit = 32 << 20

    private let limit: Int
    private var line: [UInt8] = []
    private var data: [UInt8]?
    private var number: Int?

    init(lineLimit: Int = Self.lineLimit) {
        limit = lineLimit
    }

    /// Takes the next piece of the body and gives the events that it ends.
    ///
    /// - Throws: ``ServiceError/tooLarge(_:limitInBytes:)`` for a line or an event over the limit, ``ServiceError/answer(_:)`` for
    ///   an event that is none of Kettle's.
    mutating func feed(_ piece: UnsafeRawBufferPointer) throws(ServiceError) -> [ServiceEvent] {
        var events: [ServiceEvent] = []
        var rest = piece
        while let start = rest.baseAddress, let lineFeed = memchr(start, 0x0A, rest.count) {
            let length = UnsafeRawPointer(lineFeed) - start
            try keep(UnsafeRawBufferPointer(rebasing: rest[..<length]))
            rest = UnsafeRawBufferPointer(rebasing: rest[(length + 1)...])
            if line.last == 0x0D { line.removeLast() }
            if let event = try takeLine() { events.append(event) }
            line.removeAll(keepingCapacity: line.capacity <= 64 << 10)
        }
        try keep(rest)
        return events
    }

    private mutating func keep(_ part: UnsafeRawBufferPointer) throws(ServiceError) {
        guard part.count <= limit - line.count else { throw .tooLarge("an event", limitInBytes: Int64(limit)) }
        line.append(contentsOf: part)
    }

    private mutating func takeLine() throws(ServiceError) -> ServiceEvent? {
        guard !line.isEmpty else {
            defer {
                data = nil
                number = nil
            }
            return try data.map { data throws(ServiceError) in try event(data) }
        }
        guard line.first != UInt8(ascii: ":") else { return nil }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "id": number = Int(String(decoding: value, as: UTF8.self))
        case "data":
            guard (data?.count ?? 0) + 1 + value.count <= limit else {
                throw .tooLarge("an event", limitInBytes: Int64(limit))
            }
            // In place: an event of a million lines must not be copied a million times.
            if data == nil { data = [] } else { data?.append(0x0A) }
            data?.append(contentsOf: value)
        default: break
        }
        return nil
    }

    private func event(_ data: [UInt8]) throws(ServiceError) -> ServiceEvent {
        guard let number, number > 0 else { throw .answer("an event without a number") }
        let json: JSONValue
        do {
            json = try JSONValue(parsing: data, maximumBytes: limit)
        } catch {
            throw .answer("event \(number): \(error.message)")
        }
        guard let type = json["type"]?.stringValue else { throw .answer("event \(number) has no type") }
        let result = type == "complete" ? json["result"] : nil
        guard type != "complete" || result?.objectValue != nil else { throw .answer("event \(number) has no result") }
        return ServiceEvent(number: number, message: json["message"]?.stringValue, result: result, json: json)
    }
}
