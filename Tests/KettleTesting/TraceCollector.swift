package import Hummingbird
package import KettleProvenance
import NIOCore
import Synchronization

/// An OpenTelemetry collector of the tests: takes OTLP over HTTP in JSON at `/v1/traces`, and keeps it.
package final class TraceCollector: Sendable {
    private let received = Mutex<[JSONValue]>([])
    private let headers = Mutex<[String: String]>([:])

    package init() {}

    package var router: Router<BasicRequestContext> {
        let router = Router()
        router.post("/v1/traces") { request, _ -> Response in
            let body = try await request.body.collect(upTo: 16 << 20)
            let value = try JSONValue(parsing: Array(body.readableBytesView))
            self.received.withLock { $0.append(value) }
            self.headers.withLock { headers in
                for field in request.headers { headers[field.name.canonicalName] = field.value }
            }
            return Response(
                status: .ok, headers: [.contentType: "application/json"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: "{}")))
        }
        return router
    }

    /// The bodies, as they came.
    package var requests: [JSONValue] { received.withLock { $0 } }

    /// A header of the last request.
    package func header(_ name: String) -> String? { headers.withLock { $0[name] } }

    /// Every span of every request.
    package var spans: [JSONValue] {
        requests.flatMap { $0["resourceSpans"]?.arrayValue ?? [] }.flatMap { $0["scopeSpans"]?.arrayValue ?? [] }
            .flatMap { $0["spans"]?.arrayValue ?? [] }
    }

    package func span(_ name: String) -> JSONValue? { spans.first { $0["name"]?.stringValue == name } }
}

extension JSONValue {
    /// The value of an attribute of a span or an event, as text.
    package func attribute(_ key: String) -> String? {
        let value = self["attributes"]?.arrayValue?.first { $0["key"]?.stringValue == key }?["value"]
        return value?["stringValue"]?.stringValue ?? value?["intValue"]?.stringValue
            ?? value?["boolValue"]?.boolValue.map { "\($0)" }
    }
}
