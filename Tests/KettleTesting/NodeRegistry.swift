import SystemPackage

/// An npm registry over the files that `Tests/Corpus/node/prepare` made: its tarballs, and nothing that it says of them.
package enum NodeRegistry {
    package static func run<Result: Sendable>(
        _ body: @escaping @Sendable (PackageServer) async throws -> Result
    ) async throws -> Result {
        try await PackageServer.run(at: "npm/", file: { NodeCorpus.registry.appending(FilePath($0).components) }, body)
    }
}
