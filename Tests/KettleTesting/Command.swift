import Foundation
package import Subprocess
package import SystemPackage

/// A program of this machine, run to its end.
package enum Command {
    package struct Ended: Sendable {
        /// The exit code, or 128 and the signal's number.
        package var status: Int
        package var output: String
        package var errors: String

        /// Both streams, for the message of a test that fails.
        package var everything: String { output + errors }
    }

    package static func run(
        _ program: String, _ arguments: [String], in folder: FilePath? = nil, environment: Environment = .inherit
    ) async throws -> Ended {
        let executable: Executable = program.contains("/") ? .path(FilePath(program)) : .name(program)
        let result = try await Subprocess.run(
            executable, arguments: Arguments(arguments), environment: environment, workingDirectory: folder,
            output: .string(limit: 64 << 20), error: .string(limit: 16 << 20))
        let status =
            switch result.terminationStatus {
            case .exited(let code): Int(code)
            case .signaled(let signal): 128 + Int(signal)
            }
        return Ended(status: status, output: result.standardOutput, errors: result.standardError)
    }

    /// Whether a program is on PATH.
    package static func isInstalled(_ program: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
    }

    /// Packs a folder's contents as ZIP (`zip`) or tar.gz (`tar`), told by the archive's name.
    package static func pack(_ folder: FilePath, as archive: FilePath) async throws {
        let ended =
            archive.extension == "zip"
            ? try await run("zip", ["-q", "-r", "-y", archive.string, "."], in: folder)
            : try await run("tar", ["-czf", archive.string, "."], in: folder)
        guard ended.status == 0 else { throw CommandFailed(program: "packing", ended: ended) }
    }
}

/// A helper program of the tests failed; the tests cannot mean anything.
package struct CommandFailed: Error, CustomStringConvertible {
    package var program: String
    package var ended: Command.Ended

    package init(program: String, ended: Command.Ended) {
        self.program = program
        self.ended = ended
    }

    package var description: String { "\(program) ended with \(ended.status): \(ended.everything)" }
}
