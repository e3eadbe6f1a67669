import Foundation
import Hummingbird
import NIOCore
import Synchronization
import SystemPackage

/// A sparse crate registry on loopback, over the files that `Tests/Corpus/prepare` made.
///
/// A plain file server, except that `config.json` names the port that it happens to have, and that it counts.
package final class CrateRegistry: Sendable {
    /// What `--cargo-registry` takes.
    package let url: String
    private let served: Served

    /// The crates that were downloaded, `libc-0.2.190.crate` and the like, in order of arrival.
    package var downloads: [String] { served.names.withLock { $0 } }

    private final class Served: Sendable {
        let names = Mutex<[String]>([])
    }

    private init(port: Int, served: Served) {
        url = "sparse+http://127.0.0.1:\(port)/index/"
        self.served = served
    }

    /// Serves the registry for as long as `body` takes.
    ///
    /// - Parameter altered: A crate that is answered with one byte more than it has.
    package static func run<Result: Sendable>(
        altered: String? = nil, _ body: @escaping @Sendable (CrateRegistry) async throws -> Result
    ) async throws -> Result {
        let served = Served()
        let router = Router()
        router.get("index/config.json") { request, _ in
            let host = request.head.authority ?? "127.0.0.1"
            return #"{"dl": "http://\#(host)/crates/{crate}-{version}.crate"}"#
        }
        router.get("crates/:name") { request, context -> Response in
            let name = try context.parameters.require("name")
            served.names.withLock { $0.append(name) }
            let path = Corpus.registry.appending("crates").appending(name).string
            guard var crate = FileManager.default.contents(atPath: path) else { throw HTTPError(.notFound) }
            if name == altered { crate.append(0) }
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: crate)))
        }
        router.add(middleware: FileMiddleware(Corpus.registry.string))
        return try await LoopbackServer.run(router) { port in
            try await body(CrateRegistry(port: port, served: served))
        }
    }
}
