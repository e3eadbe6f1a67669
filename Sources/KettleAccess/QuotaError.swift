import KettleError

/// Which limit a caller has reached.
package enum QuotaError: UserFacingError, Equatable {
    case builds(limit: Int64, retryAfter: Int64)
    case bytes(limit: Int64, retryAfter: Int64)
    case minutes(limit: Int64, retryAfter: Int64)
    case requests(limit: Int64, retryAfter: Int64)

    /// Seconds until asking again can help.
    package var retryAfter: Int64 {
        switch self {
        case .builds(_, let seconds), .bytes(_, let seconds), .minutes(_, let seconds), .requests(_, let seconds):
            seconds
        }
    }

    package var code: String {
        switch self {
        case .builds: "quota.builds"
        case .bytes: "quota.bytes"
        case .minutes: "quota.minutes"
        case .requests: "quota.requests"
        }
    }

    package var message: String {
        switch self {
        case .builds(let limit, _): "the \(limit) builds of this hour are used up"
        case .bytes(let limit, _): "the \(limit) bytes that may be sent today are used up, or this would be more"
        case .minutes(let limit, _): "the \(limit) minutes that builds may run today are used up"
        case .requests(let limit, _): "more than \(limit) requests came within a minute"
        }
    }

    package var hint: String? { "try again in \(retryAfter) s, or ask the operator for more" }

    /// The whole seconds from a time in milliseconds to the next multiple of `period` seconds.
    static func seconds(toNext period: Int64, from time: Int64) -> Int64 { period - time / 1000 % period }
}
