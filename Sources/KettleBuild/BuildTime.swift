import Glibc
package import KettleProvenance

/// A moment of the wall clock, as lists and statements show it.
package struct BuildTime: Sendable, Hashable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    package var milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package static var now: BuildTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return BuildTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package var timestamp: Statement.Timestamp { Statement.Timestamp(secondsSince1970: milliseconds / 1000) }
}
