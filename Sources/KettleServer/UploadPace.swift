import HTTPTypes

/// How fast a body comes. One that drips holds a place in the queue without ever becoming a build.
struct UploadPace {
    /// How long a body may take whatever its pace.
    private static let grace = Duration.seconds(60)
    /// Bytes a second, from the start of the body.
    private static let least: Int64 = 1024

    private let start = ContinuousClock.now
    private var received: Int64 = 0

    /// - Throws: ``ProblemDetails`` with status 408 (RFC 9110, section 15.5.9).
    mutating func note(_ bytes: Int) throws(ProblemDetails) {
        received += Int64(bytes)
        let elapsed = ContinuousClock.now - start
        guard elapsed > Self.grace, received < Self.least * elapsed.components.seconds else { return }
        throw ProblemDetails(
            .requestTimeout, code: "request.too_slow", "the body came slower than \(Self.least) bytes a second",
            hint: "send the request again over a faster connection, or name a repository with repo_url")
    }
}
