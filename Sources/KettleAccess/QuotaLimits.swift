/// How much each owner may use, as the operator settled it; nil where there is no limit.
package struct QuotaLimits: Sendable, Hashable {
    /// Within an hour of UTC.
    package var buildsPerHour: Int64?
    /// Sent within a day of UTC.
    package var bytesPerDay: Int64?
    /// Minutes that builds run within a day of UTC.
    package var minutesPerDay: Int64?
    /// Of each caller, and of each address from which strangers come.
    package var requestsPerMinute: Int64?

    package init(
        buildsPerHour: Int64? = nil, bytesPerDay: Int64? = nil, minutesPerDay: Int64? = nil,
        requestsPerMinute: Int64? = nil
    ) {
        self.buildsPerHour = buildsPerHour
        self.bytesPerDay = bytesPerDay
        self.minutesPerDay = minutesPerDay
        self.requestsPerMinute = requestsPerMinute
    }
}
