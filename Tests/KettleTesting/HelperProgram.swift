import Foundation
package import SystemPackage

/// A program that plays a part of the machine while a test runs.
package enum HelperProgram {
    package struct DidNotStart: Error, CustomStringConvertible {
        package var description: String
    }

    /// Runs a program for as long as `body` takes.
    ///
    /// - Parameters:
    ///   - isReady: Asked until it says yes, before `body` begins.
    ///   - end: Asks the program to end; SIGTERM does where there is none.
    /// - Throws: ``DidNotStart`` with what the program said, when it ends before it is ready.
    package static func run<Result>(
        _ program: String, _ arguments: [String], log: FilePath, isReady: () async throws -> Bool,
        end: (() -> Void)? = nil, _ body: () async throws -> Result
    ) async throws -> Result {
        _ = FileManager.default.createFile(atPath: log.string, contents: nil)
        let output = try FileHandle(forWritingTo: URL(filePath: log.string))
        defer { try? output.close() }
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
        defer {
            if let end { end() } else { process.terminate() }
            process.waitUntilExit()
        }
        try await eventually {
            guard process.isRunning else {
                throw DidNotStart(description: "\(program) ended: \(contents(of: log.string))")
            }
            return try await isReady()
        }
        return try await body()
    }
}
