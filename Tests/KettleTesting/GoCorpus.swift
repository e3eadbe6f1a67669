import Foundation
package import SystemPackage

/// Go, a module proxy of real modules, and projects on them (`Tests/Corpus/go/prepare` makes them, once, into
/// `.build/go-corpus`). Where that cannot be done, tests are skipped with the reason.
package enum GoCorpus {
    private static let folder = Corpus.checkout.appending(FilePath(".build/go-corpus").components)

    /// `GOROOT`.
    package static var go: FilePath { folder.appending("go") }

    /// What a service needs in its environment to find Go.
    package static var environment: [String: String] {
        ["PATH": "\(go)/bin:\(ProcessInfo.processInfo.environment["PATH"] ?? "")"]
    }

    package static var proxy: FilePath { folder.appending("proxy") }

    /// `hello` or `hello-vendored`.
    package static func project(_ name: String) -> FilePath { folder.appending("projects").appending(name) }

    /// go-toml 1.9.4: three programs and no dependencies.
    package static var goTOML: FilePath { source("golang-github-pelletier-go-toml_1.9.4") }

    /// uuid 1.3.0: a library without dependencies.
    package static var uuid: FilePath { source("golang-github-google-uuid_1.3.0") }

    /// All that were unpacked.
    package static var sources: FilePath { folder.appending("sources") }

    private static func source(_ name: String) -> FilePath { sources.appending(name) }

    package static var isAvailable: Bool {
        get async { await preparation.value == nil }
    }

    /// Why there is no corpus, or nil.
    private static let preparation = Task<String?, Never> {
        do {
            let script = Corpus.checkout.appending(FilePath("Tests/Corpus/go/prepare").components)
            let ended = try await Command.run("python3", [script.string, folder.string])
            if ended.status != 0 { print("the Go corpus cannot be made: \(ended.errors)") }
            return ended.status == 0 ? nil : "the Go corpus cannot be made: \(ended.errors)"
        } catch {
            return "the Go corpus cannot be made: \(error)"
        }
    }
}

/// A Go module proxy over the files that `Tests/Corpus/go/prepare` made. Its downloads are paths: versions have the same file names.
package enum GoModuleProxy {
    package static func run<Result: Sendable>(
        _ body: @escaping @Sendable (PackageServer) async throws -> Result
    ) async throws -> Result {
        try await PackageServer.run(
            at: "go/", file: { GoCorpus.proxy.appending(FilePath($0).components) }, name: { $0 }, body)
    }
}
