import KettleProvenance
package import KettleStore

/// How a build ended, as `POST /build` answers it.
package struct BuildOutcome: Sendable {
    package var state: BuildRecord.State
    package var httpStatus: Int
    /// The JSON object of API section 1.3.
    package var result: [UInt8]

    init(state: BuildRecord.State, httpStatus: Int, result: [UInt8]) {
        self.state = state
        self.httpStatus = httpStatus
        self.result = result
    }

    init(_ failure: BuildFailure, of id: BuildID) {
        self.init(
            state: .failed, httpStatus: failure.kind.httpStatus, result: BuildResult(failure, of: id).encoded)
    }

    /// The outcome of a build that has ended; nil for one that has not.
    package init?(_ record: BuildRecord) {
        guard let result = record.result else { return nil }
        let kind = (try? JSONValue(parsing: result, maximumBytes: .max))?["error_type"]?.stringValue
        self.init(
            state: record.state,
            httpStatus: record.state == .success
                ? 200 : kind.flatMap(BuildFailure.Kind.init(rawValue:))?.httpStatus ?? 500, result: result)
    }
}
