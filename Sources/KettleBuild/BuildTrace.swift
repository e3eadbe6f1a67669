import KettleStore
import Tracing

/// The trace of a build: a span for the whole of it, in the trace of the request that asked for it, and one for each step.
///
/// Where nobody collects traces, a span is nothing.
struct BuildTrace: Sendable {
    enum Step: String {
        case source, detect, fetch, inputs, evaluate, build, provenance, attest, seal
    }

    let id: BuildID
    /// The request's.
    let context: ServiceContext

    /// Taken where the request is still known: the task that runs the build may be another.
    init(of id: BuildID, in context: ServiceContext = .current ?? .topLevel) {
        self.id = id
        self.context = context
    }

    func build(_ body: () async throws -> SealedBuild) async throws -> SealedBuild {
        try await withSpan("build", context: context) { span in
            span.attributes["kettle.build.id"] = id.hex
            do {
                let sealed = try await body()
                span.attributes["kettle.build.toolchain"] = sealed.buildSystem
                span.attributes["kettle.build.outcome"] = "success"
                return sealed
            } catch {
                span.attributes["kettle.build.outcome"] = BuildFailure(error).kind.rawValue
                throw error
            }
        }
    }

    /// An error that ends the step is recorded with it.
    func step<Result>(_ step: Step, _ body: () async throws -> Result) async throws -> Result {
        try await withSpan("build \(step.rawValue)") { span in
            span.attributes["kettle.build.id"] = id.hex
            return try await body()
        }
    }
}
