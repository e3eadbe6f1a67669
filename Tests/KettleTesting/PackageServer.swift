import Foundation
import Hummingbird
import NIOCore
import Synchronization
package import SystemPackage

/// The files of a package registry on loopback: served as they are, counted, and altered where a test says so.
package struct PackageServer: Sendable {
    /// What the service's option takes: the address with the registry's own path.
    package var url: String
    private let served: Served

    private final class Served: Sendable {
        let names = Mutex<[String]>([])
        let changes = Mutex<[String: @Sendable ([UInt8]) -> [UInt8]]>([:])
    }

    private init(url: String, served: Served) {
        self.url = url
        self.served = served
    }

    /// The packages' files that were asked for, in order of arrival: `libc-0.2.190.crate` and the like.
    package var downloads: [String] { served.names.withLock { $0 } }

    /// Has a file answered with other bytes from now on: with one more than it has, where nothing else is said.
    ///
    /// - Parameter name: As among the downloads; the path of what is not counted.
    package func alter(_ name: String, _ change: @escaping @Sendable ([UInt8]) -> [UInt8] = { $0 + [0] }) {
        served.changes.withLock { $0[name] = change }
    }

    /// Serves for as long as `body` takes.
    ///
    /// - Parameters:
    ///   - prefix: What paths begin with: `npm/`.
    ///   - file: The file that stands for the rest of a path.
    ///   - name: What it is counted as; nil for what is no package.
    package static func run<Result: Sendable>(
        at prefix: String, file: @escaping @Sendable (_ path: String) -> FilePath,
        name: @escaping @Sendable (_ path: String) -> String? = { FilePath($0).lastComponent?.string },
        _ body: @escaping @Sendable (PackageServer) async throws -> Result
    ) async throws -> Result {
        let served = Served()
        let router = Router()
        router.get("**") { request, _ -> Response in
            guard request.uri.path.hasPrefix("/" + prefix) else { throw HTTPError(.notFound) }
            let path = String(request.uri.path.dropFirst(prefix.count + 1))
            let name = name(path)
            if let name { served.names.withLock { $0.append(name) } }
            let change = served.changes.withLock { $0[name ?? path] }
            let content = FileManager.default.contents(atPath: file(path).string).map(Array.init)
            guard let bytes = change?(content ?? []) ?? content else { throw HTTPError(.notFound) }
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        }
        return try await LoopbackServer.run(router) { port in
            try await body(PackageServer(url: "http://127.0.0.1:\(port)/\(prefix)", served: served))
        }
    }
}
