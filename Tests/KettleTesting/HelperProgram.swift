import Foundation
import Glibc
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
    ///   - end: Makes the program end; SIGKILL does where there is none, since a thread of Swift's may have passed on a mask
    ///     that holds SIGTERM back.
    /// - Throws: ``DidNotStart`` with what the program said, when it ends before it is ready.
    @discardableResult
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
        let outcome: Swift.Result<Result, any Error>
        do {
            try await eventually {
                guard process.isRunning else {
                    throw DidNotStart(description: "\(program) ended: \(contents(of: log.string))")
                }
                return try await isReady() && process.isRunning
            }
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        if let end { end() } else { kill(process.processIdentifier, SIGKILL) }
        // Nor does this wait end early when the test is cancelled: nothing may stay behind.
        await Task { while process.isRunning { try? await Task.sleep(for: .milliseconds(5)) } }.value
        return try outcome.get()
    }
}
