import Foundation
package import SystemPackage

/// An npm registry of real packages, and projects on them (`Tests/Corpus/node/prepare` makes them, once, into
/// `.build/node-corpus`). Where that cannot be done, tests are skipped with the reason.
package enum NodeCorpus {
    private static let folder = Corpus.checkout.appending(FilePath(".build/node-corpus").components)

    /// Packages by name, and what a registry says of them: for ``NodeRegistry``.
    package static var registry: FilePath { folder.appending("registry") }

    /// `bundled`, `workspace`, `glob` or `semver`.
    package static func project(_ name: String) -> FilePath { folder.appending("projects").appending(name) }

    /// Why there is no corpus, or nil.
    package static var unavailable: String? {
        get async { await preparation.value }
    }

    package static var isAvailable: Bool {
        get async { await unavailable == nil }
    }

    private static let preparation = Task<String?, Never> { await run("prepare", folder) }

    // MARK: - Lockfiles

    /// A folder with `files/`, real lockfiles of other projects, and `expected.json`, what they pin
    /// (`Tests/Corpus/node/lockfiles`).
    package static let lockfiles = Corpus.checkout.appending(FilePath(".build/node-lockfiles").components)

    package static var hasLockfiles: Bool {
        get async { await collection.value == nil }
    }

    private static let collection = Task<String?, Never> { await run("lockfiles", lockfiles) }

    /// - Returns: Why it cannot be done, or nil.
    private static func run(_ name: String, _ folder: FilePath) async -> String? {
        do {
            let script = Corpus.checkout.appending(FilePath("Tests/Corpus/node").components).appending(name)
            let ended = try await Command.run("python3", [script.string, folder.string])
            return ended.status == 0 ? nil : "Tests/Corpus/node/\(name) failed: \(ended.errors)"
        } catch {
            return "Tests/Corpus/node/\(name) cannot be run: \(error)"
        }
    }
}
