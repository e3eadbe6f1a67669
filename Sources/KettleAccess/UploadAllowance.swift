import KettleStore

/// What one request may send of its owner's bytes for the day.
///
/// It takes them from the store in blocks before they are used, so that requests at the same time do not send more together
/// than each of them may, and gives back what is left. An actor because a body's pieces come in an asynchronous loop.
package actor UploadAllowance {
    private let limit: Int64
    private let owner: String
    private let usage: UsageStore
    private let now: @Sendable () -> Int64
    private var left: Int64 = 0

    private static let block: Int64 = 16 << 20

    init(limit: Int64, owner: String, usage: UsageStore, now: @escaping @Sendable () -> Int64) {
        self.limit = limit
        self.owner = owner
        self.usage = usage
        self.now = now
    }

    /// Uses some bytes.
    ///
    /// - Parameter count: Not negative.
    /// - Throws: ``QuotaError``, and what the store throws.
    package func take(_ count: Int) async throws {
        let missing = Int64(count) - left
        if missing > 0 {
            let time = now()
            let limit = limit
            // The last block of a day is as large as what is left of the day.
            for amount in [max(missing, Self.block), missing] {
                let refusal = try await usage.add(Usage(bytes: amount), to: owner, at: time) { _, day in
                    let (sum, isOver) = day.bytes.addingReportingOverflow(amount)
                    return isOver || sum > limit
                        ? QuotaError.bytes(limit: limit, retryAfter: QuotaError.seconds(toNext: 86_400, from: time))
                        : nil
                }
                if refusal == nil {
                    left += amount
                    break
                }
                if let refusal, amount == missing { throw refusal }
            }
        }
        left -= Int64(count)
    }

    /// Gives back what was not used. The allowance must not be used afterwards.
    package func settle() async {
        guard left > 0 else { return }
        let rest = Usage(bytes: -left)
        left = 0
        // A task of its own: the one that asks may be cancelled. Should it fail, the owner may send a block less today.
        await Task { [usage, owner, now] in try? await usage.add(rest, to: owner, at: now()) }.value
    }
}
