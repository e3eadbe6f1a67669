import Hummingbird
import NIOCore
import Synchronization

/// Files over HTTP on this machine.
package final class FileServer: Sendable {
    private final class Served: Sendable {
        let files: Mutex<[String: [UInt8]]>
        let requests = Mutex<[String]>([])

        init(_ files: [String: [UInt8]]) { self.files = Mutex(files) }
    }

    /// `http://127.0.0.1:<port>`.
    package let address: String
    private let served: Served

    private init(_ served: Served, port: Int) {
        self.served = served
        address = "http://127.0.0.1:\(port)"
    }

    /// Paths in the order in which they were asked for.
    package var asked: [String] { served.requests.withLock { $0 } }

    /// Serves another file from now on, or none.
    package func set(_ path: String, _ bytes: [UInt8]?) { served.files.withLock { $0[path] = bytes } }

    /// - Parameter files: Contents by path: `/a/b.tar.gz`.
    package static func serving<Result: Sendable>(
        _ files: [String: [UInt8]] = [:], _ body: @escaping @Sendable (FileServer) async throws -> Result
    ) async throws -> Result {
        let served = Served(files)
        let router = Router()
        router.get("**") { request, _ in
            served.requests.withLock { $0.append(request.uri.path) }
            guard let bytes = served.files.withLock({ $0[request.uri.path] }) else { throw HTTPError(.notFound) }
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        }
        return try await LoopbackServer.run(router) { port in
            try await body(FileServer(served, port: port))
        }
    }
}
