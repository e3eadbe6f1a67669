import Glibc
import Subprocess
import SystemPackage

/// A program or library of the operator's that takes part in builds.
struct InstalledProgram: Sendable, Hashable {
    var name: String
    /// Links resolved.
    var path: FilePath
    /// What it says about itself, where it does.
    var version: String?

    private static let patience = Duration.seconds(60)

    /// The first line that a program prints. It runs in `/`, where no project's files can change what it says.
    ///
    /// - Parameters:
    ///   - tool: The program's name, which errors call it by.
    ///   - path: Where it is; nil for the first of that name on this process's search path.
    static func ask(
        _ tool: String, at path: FilePath? = nil, _ arguments: [String]
    ) async throws(ToolchainError) -> String {
        let executable: Executable = path.map { .path($0) } ?? .name(tool)
        let answer: String?
        do {
            answer = try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask {
                    let result = try await run(
                        executable, arguments: Arguments(arguments), workingDirectory: "/",
                        output: .string(limit: 16_384), error: .discarded)
                    return result.terminationStatus.isSuccess ? result.standardOutput : nil
                }
                // A program that hangs must not keep a service from starting. Cancelling ends it.
                group.addTask {
                    try await Task.sleep(for: patience)
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        } catch {
            throw .toolchainMissing(tool: tool, reason: "it cannot be run")
        }
        if let line = answer?.split(separator: "\n").first { return String(line) }
        throw .toolchainMissing(tool: tool, reason: "it does not answer \(arguments.joined(separator: " "))")
    }

    /// The first program of that name on a search path, links resolved; nil when there is none.
    ///
    /// - Parameter searchPath: By default the one that this process got.
    static func find(_ name: String, on searchPath: String? = nil) -> FilePath? {
        let path = searchPath ?? getenv("PATH").map { String(cString: $0) } ?? ""
        for folder in path.split(separator: ":") where folder.hasPrefix("/") {
            let candidate = "\(folder)/\(name)"
            if access(candidate, X_OK) == 0, let resolved = resolve(FilePath(candidate)) { return resolved }
        }
        return nil
    }

    /// Where a path leads; nil when it leads nowhere.
    static func resolve(_ path: FilePath) -> FilePath? {
        guard let resolved = realpath(path.string, nil) else { return nil }
        defer { free(resolved) }
        return FilePath(String(cString: resolved))
    }
}
