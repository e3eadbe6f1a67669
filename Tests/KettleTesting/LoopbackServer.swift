package import Hummingbird
import Logging
import NIOCore

/// A small HTTP server of the tests on a free port of 127.0.0.1.
package enum LoopbackServer {
    /// Serves for as long as `body` takes.
    ///
    /// - Parameter body: Told the port.
    package static func run<Result: Sendable>(
        _ router: Router<BasicRequestContext>, _ body: @escaping @Sendable (Int) async throws -> Result
    ) async throws -> Result {
        let (ports, port) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "loopback")
        logger.logLevel = .critical
        let application = Application(
            responder: OneRequestPerConnection(router.buildResponder()),
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                port.yield(channel.localAddress?.port ?? 0)
                port.finish()
            }, logger: logger)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await application.run()
                return nil
            }
            group.addTask {
                for await number in ports { return try await body(number) }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}

/// Has the client close the connection after each answer.
///
/// cargo and git offer to upgrade to HTTP/2; after such a request NIO's decoder reads no other from the connection, and
/// this small server has no handler of its own for it.
private struct OneRequestPerConnection<Inner: HTTPResponder>: HTTPResponder {
    private let inner: Inner

    init(_ inner: Inner) { self.inner = inner }

    @concurrent func respond(to request: Request, context: Inner.Context) async throws -> Response {
        var response = try await inner.respond(to: request, context: context)
        response.headers[.connection] = "close"
        return response
    }
}
