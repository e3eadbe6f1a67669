import KettleToolchains
import NIOPosix

extension BuildPipeline {
    /// Fetches what only the project's own code can say that it needs. It says so without network.
    ///
    /// - Returns: What ran, and what was fetched.
    func evaluate(
        _ plan: any BuildPlan, _ layout: BuildLayout, _ output: BuildOutput
    ) async throws -> ([BuildStep], VerifiedInputs) {
        let steps = try await threads.runIfActive { try plan.evaluationSteps() }
        guard !steps.isEmpty else { return ([], VerifiedInputs()) }
        return try await trace.step(.evaluate) {
            var ran = try await run(steps, output, .inputs)
            var round = 0
            while true {
                let next = round
                let fetches = try await threads.runIfActive { try plan.evaluatedFetchSteps(round: next) }
                guard !fetches.isEmpty else { break }
                ran += try await fetch(fetches, layout, output)
                round += 1
            }
            let verified = try await threads.runIfActive { try plan.verifyEvaluatedInputs() }
            if !verified.dependencies.isEmpty {
                try tell("Checked \(verified.dependencies.count) more dependencies", .inputs)
            }
            return (ran, verified)
        }
    }
}
