import SystemPackage

/// A sparse crate registry over the files that `Tests/Corpus/prepare` made.
package enum CrateRegistry {
    package static func run<Result: Sendable>(
        _ body: @escaping @Sendable (PackageServer) async throws -> Result
    ) async throws -> Result {
        try await PackageServer.run(at: "") { path in
            Corpus.registry.appending(FilePath(path).components)
        } name: { path in
            path.hasSuffix(".crate") ? FilePath(path).lastComponent?.string : nil
        } _: { registry in
            // It names the port that the registry happens to have.
            let configuration = #"{"dl": "\#(registry.url)crates/{crate}-{version}.crate"}"#
            registry.alter("index/config.json") { _ in Array(configuration.utf8) }
            var index = registry
            index.url = "sparse+\(registry.url)index/"
            return try await body(index)
        }
    }
}
