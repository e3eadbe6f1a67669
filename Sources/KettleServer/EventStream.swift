import HTTPTypes
import Hummingbird
import KettleStore
import NIOCore

/// A build's events as the body of a response: replayed from where the reader left off, then live to the end.
///
/// Every step of the log is one write, so an event leaves whole and at once. A reader that does not read is held back by its
/// socket and costs no memory; one that went away is noticed at the next write, at the latest at the next comment.
struct EventStream: Sendable {
    /// A comment line goes out when nothing has happened for about this long.
    static let heartbeat = Duration.seconds(15)

    private static let comment = ByteBuffer(string: ": alive\n\n")

    let reader: EventLog.Reader
    var headers = HTTPFields()
    /// Writes the frames of the log in another form; nil sends them as they are.
    var spelling: (@Sendable (ByteBuffer) throws -> ByteBuffer)?

    func response() -> Response {
        var headers = headers
        headers[.contentType] = "text/event-stream"
        headers[.cacheControl] = "no-cache"
        headers[.accelBuffering] = "no"
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { [reader, spelling] writer in
                var reader = reader
                loop: while true {
                    switch try await reader.next() {
                    case .frames(let frames): try await writer.write(spelling?(frames) ?? frames)
                    case .idle: try await writer.write(Self.comment)
                    case .end: break loop
                    // Not to be taken for the end of the build: the response breaks off.
                    case .interrupted: throw Interrupted()
                    }
                }
                try await writer.finish(nil)
            })
    }
}

/// Ends a response without its end, because the service stops before the build has ended.
private struct Interrupted: Error {}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name("Idempotency-Key") ?? .range
    /// Tells nginx and its kin to pass a stream on as it comes.
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering") ?? .cacheControl
    static let lastEventID = HTTPField.Name("Last-Event-ID") ?? .range
    static let representationDigest = HTTPField.Name("Repr-Digest") ?? .eTag
    static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .contentType
    static let contentTypeOptions = HTTPField.Name("X-Content-Type-Options") ?? .contentType
}
