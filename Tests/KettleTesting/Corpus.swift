import Foundation
package import SystemPackage

/// Real projects that nobody here wrote, and small ones on their crates (`Tests/Corpus/prepare` makes them).
///
/// They are fetched once into `.build/corpus`. Where that cannot be done, tests are skipped with the reason.
package enum Corpus {
    /// The root of the checkout.
    package static let checkout = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()

    private static let folder = checkout.appending(FilePath(".build/corpus").components)

    /// orjson's sdist: 22 crates vendored, upstream's lockfile, one cdylib.
    package static var orjson: FilePath { folder.appending("orjson-3.13.0") }

    /// A sparse registry with orjson's crates, for ``CrateRegistry``.
    package static var registry: FilePath { folder.appending("registry") }

    /// `mirrored`, `workspace`, `broken`, `orjson-registry` or `orjson-upstream-lock`.
    package static func project(_ name: String) -> FilePath {
        folder.appending("projects").appending(FilePath(name).components)
    }

    /// Why there is no corpus, or nil.
    package static var unavailable: String? {
        get async { await preparation.value }
    }

    package static var isAvailable: Bool {
        get async { await unavailable == nil }
    }

    private static let preparation = Task<String?, Never> {
        do {
            let python = checkout.appending(FilePath(".build/python/corpus").components)
            if !FileManager.default.fileExists(atPath: python.appending("complete").string) {
                for (program, arguments) in [
                    ("python3", ["-m", "venv", python.string]),
                    (python.appending(FilePath("bin/pip").components).string, ["install", "--quiet", "zlib-ng"]),
                ] {
                    let ended = try await Command.run(program, arguments)
                    guard ended.status == 0 else { return "no Python environment: \(ended.everything.suffix(200))" }
                }
                try Data().write(to: URL(filePath: python.appending("complete").string))
            }
            let script = checkout.appending(FilePath("Tests/Corpus/prepare").components)
            let ended = try await Command.run(
                python.appending(FilePath("bin/python").components).string, [script.string, folder.string])
            return ended.status == 0 ? nil : "the corpus cannot be fetched: \(ended.errors)"
        } catch {
            return "the corpus cannot be fetched: \(error)"
        }
    }
}
