import Foundation

/// Runs what blocks for long, such as reading gigabytes, on a thread of its own: everything else waits for the shared ones.
package func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}
