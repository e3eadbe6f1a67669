import KettleProvenance

/// One line of a build's stream (API section 1.2): what happened, for people, and a few keys for programs.
package struct BuildEvent: Sendable, Hashable {
    package enum Phase: String, Sendable {
        case queued, initialize = "init", source, detect, inputs, fetch, build, provenance, attest
    }

    package enum Stream: String, Sendable {
        case stdout, stderr
    }

    package var message: String
    package var phase: Phase
    /// Set on a line that the build itself printed.
    package var stream: Stream?
    /// Set on the first event.
    package var buildID: String?
    /// Set while the build waits for its turn: how many are before it, plus one.
    package var position: Int?
    /// Set on what Kettle itself says: when.
    package var time: BuildTime?

    package init(
        _ message: String, phase: Phase, stream: Stream? = nil, buildID: String? = nil, position: Int? = nil,
        time: BuildTime? = nil
    ) {
        self.message = message
        self.phase = phase
        self.stream = stream
        self.buildID = buildID
        self.position = position
        self.time = time
    }

    /// The JSON object, `type` and `message` first as the published page shows them.
    package func encoded() -> [UInt8] {
        var bytes = Array(#"{"type":"info","message":"#.utf8)
        bytes += JSONValue.string(message).canonicalBytes()
        bytes += Array(#","phase":"\#(phase.rawValue)""#.utf8)
        if let stream { bytes += Array(#","stream":"\#(stream.rawValue)""#.utf8) }
        if let buildID { bytes += Array(#","build_id":"\#(buildID)""#.utf8) }
        if let position { bytes += Array(#","position":\#(position)"#.utf8) }
        if let time { bytes += Array(#","time_ms":\#(time.milliseconds)"#.utf8) }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private static let completeStart = Array(#"{"type":"complete","result":"#.utf8)

    /// The last event of every stream.
    package static func complete(result: [UInt8]) -> [UInt8] {
        completeStart + result + [UInt8(ascii: "}")]
    }

    /// The result in an event that ``complete(result:)`` made, nil for any other event.
    package static func result(ofComplete event: [UInt8]) -> [UInt8]? {
        event.starts(with: completeStart) ? Array(event.dropFirst(completeStart.count).dropLast()) : nil
    }
}
