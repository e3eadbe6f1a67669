import Foundation
package import SystemPackage

/// uv, real Python projects and the files that their lockfiles pin (`Tests/Corpus/python/prepare` makes them, once, into
/// `.build/python-corpus`). Where that cannot be done, tests are skipped with the reason.
package enum PythonCorpus {
    private static let folder = Corpus.checkout.appending(FilePath(".build/python-corpus").components)

    /// The program.
    package static var uv: FilePath { folder.appending("uv") }

    /// What a service needs in its environment to find uv.
    package static var environment: [String: String] {
        ["PATH": "\(folder):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"]
    }

    /// Its build backend, flit-core, is in no lockfile.
    package static var flask: FilePath { sdists.appending("flask-3.1.3") }

    /// Its build backend, hatchling, is in its lockfile.
    package static var dynamicVersioning: FilePath { sdists.appending("uv_dynamic_versioning-0.11.2") }

    /// Two packages of the tests' own, one of which needs the other.
    package static var workspace: FilePath {
        Corpus.checkout.appending(FilePath("Tests/Corpus/python/projects/workspace").components)
    }

    package static var sdists: FilePath { folder.appending("sdists") }

    /// Wheels of build backends.
    package static var backends: FilePath { folder.appending("backends") }

    package static var files: FilePath { folder.appending("files") }

    package static var isAvailable: Bool {
        get async { await preparation.value == nil }
    }

    /// Why there is no corpus, or nil.
    private static let preparation = Task<String?, Never> {
        do {
            let script = Corpus.checkout.appending(FilePath("Tests/Corpus/python/prepare").components)
            let ended = try await Command.run("/usr/bin/python3", [script.string, folder.string])
            if ended.status != 0 { print("the Python corpus cannot be made: \(ended.errors)") }
            return ended.status == 0 ? nil : "the Python corpus cannot be made: \(ended.errors)"
        } catch {
            return "the Python corpus cannot be made: \(error)"
        }
    }
}

/// A mirror of PyPI's files, over those that `Tests/Corpus/python/prepare` fetched.
package enum PythonMirror {
    package static func run<Result: Sendable>(
        _ body: @escaping @Sendable (PackageServer) async throws -> Result
    ) async throws -> Result {
        // They lie in one folder, whatever their paths at PyPI.
        try await PackageServer.run(
            at: "pypi/", file: { PythonCorpus.files.appending($0.split(separator: "/").last.map(String.init) ?? "") },
            body)
    }
}
