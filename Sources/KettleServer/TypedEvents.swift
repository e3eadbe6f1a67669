import KettleProvenance
import NIOCore

/// A build's events in the later published form (API section 1.4): the same numbers, another spelling.
///
///     id: 4
///     data: {"type":"build","msg":"Compiling …"}
enum TypedEvents {
    /// The type by the phase of an event.
    private static let types = [
        "queued": "queued", "init": "init", "source": "init", "detect": "detect", "inputs": "detect", "fetch": "build",
        "build": "build", "provenance": "provenance", "attest": "attest",
    ]

    /// Writes whole frames anew.
    ///
    /// - Throws: What makes a frame unreadable; the log wrote it, so there is none.
    static func respell(_ frames: ByteBuffer) throws -> ByteBuffer {
        var result = ByteBuffer()
        result.reserveCapacity(frames.readableBytes)
        for line in frames.readableBytesView.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
            if line.starts(with: prefix) {
                let event = try JSONValue(parsing: Array(line.dropFirst(prefix.count)), maximumBytes: .max)
                result.writeBytes(prefix)
                result.writeBytes(respell(event).canonicalBytes())
                result.writeString("\n\n")
            } else {
                result.writeBytes(line)
                result.writeString("\n")
            }
        }
        return result
    }

    private static let prefix = Array("data: ".utf8)

    private static func respell(_ event: JSONValue) -> JSONValue {
        if event["type"] == "complete" {
            let result = event["result"]
            guard result?["status"] != "success" else { return ["type": "complete", "status": "ok"] }
            return [
                "type": "complete", "status": "failed", "error": result?["error"] ?? .null,
                "error_type": result?["error_type"] ?? .null,
            ]
        }
        let type = event["phase"]?.stringValue.flatMap { types[$0] } ?? "build"
        var members: [String: JSONValue] = ["type": .string(type), "msg": event["message"] ?? ""]
        members["position"] = event["position"]
        return .object(members)
    }
}
