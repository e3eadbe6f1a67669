import Foundation
package import SystemPackage

/// A program at a terminal, which `script` of util-linux makes, and the person before it.
package struct PseudoTerminal: Sendable {
    package struct Ended: Sendable {
        /// The exit code.
        package var status: Int32
        /// Everything that the program wrote, control sequences too.
        package var screen: String
    }

    private let keyboard: FileHandle
    private let log: FilePath

    /// Everything that was written so far.
    package var screen: String { contents(of: log.string) }

    /// Types, as the keyboard sends it: `\u{3}` is Ctrl-C.
    package func type(_ text: String) throws { try keyboard.write(contentsOf: Data(text.utf8)) }

    /// Waits until something stands on the screen.
    package func wait(for text: String) async throws { try await eventually { screen.contains(text) } }

    /// Runs a program until it ends.
    ///
    /// - Parameters:
    ///   - environment: Beside that of the tests, from which what tells a program about its terminal is taken.
    ///   - person: What the person does meanwhile.
    package static func run(
        _ program: String, _ arguments: [String], columns: Int = 80, in folder: FilePath,
        _ environment: [String: String] = [:], _ person: (PseudoTerminal) async throws -> Void = { _ in }
    ) async throws -> Ended {
        let scratch = try ScratchFolder()
        let log = scratch.path.appending("screen")
        _ = FileManager.default.createFile(atPath: log.string, contents: nil)
        let output = try FileHandle(forWritingTo: URL(filePath: log.string))
        defer { try? output.close() }
        let keyboard = Pipe()
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        // The only shell is the one that script starts; every word is quoted for it.
        let words = [program] + arguments
        let command = words.map { "'\($0.replacing("'", with: "'\\''"))'" }.joined(separator: " ")
        process.arguments = ["script", "-qefc", "stty cols \(columns); exec \(command)", "/dev/null"]
        process.currentDirectoryURL = URL(filePath: folder.string)
        var variables = ProcessInfo.processInfo.environment
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LC_ALL", "LC_CTYPE", "LANG", "COLUMNS"] {
            variables[name] = nil
        }
        variables["TERM"] = "xterm"
        variables["SHELL"] = "/bin/sh"
        process.environment = variables.merging(environment) { $1 }
        process.standardInput = keyboard
        process.standardOutput = output
        process.standardError = output
        try process.run()
        do {
            try await person(PseudoTerminal(keyboard: keyboard.fileHandleForWriting, log: log))
            try await eventually { !process.isRunning }
        } catch {
            kill(process.processIdentifier, SIGKILL)
            throw error
        }
        return Ended(status: process.terminationStatus, screen: contents(of: log.string))
    }
}
