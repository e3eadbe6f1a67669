import KettleStore

extension BuildPipeline {
    /// Runs what takes a build's time in a slot, and counts that time as its owner's, however it ends. Waiting counts for nobody.
    func inSlot<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        try await slots.withSlot(of: request.owner, onPlace: { announcePlace($0) }) {
            let start = ContinuousClock.now
            do {
                let result = try await body()
                await count(since: start)
                return result
            } catch {
                await count(since: start)
                throw error
            }
        }
    }

    /// A task of its own: the build may have been cancelled, and has run all the same.
    private func count(since start: ContinuousClock.Instant) async {
        let spent = Usage(milliseconds: Int64((ContinuousClock.now - start) / .milliseconds(1)))
        await Task { [usage, request] in
            try? await usage.add(spent, to: request.owner ?? "", at: BuildTime.now.milliseconds)
        }.value
    }
}
