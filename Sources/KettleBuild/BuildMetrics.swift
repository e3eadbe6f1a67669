import KettleProvenance
package import KettleStore
import Metrics
import Synchronization

/// What the operator sees of the builds in numbers: `docs/observing.md` lists the metrics.
///
/// Builds say here what becomes of them, each in one line. Shared between all of them; what they share is who waits and who runs.
/// No label has values that a stranger could make up: toolchains, outcomes and limits are closed sets.
package final class BuildMetrics: Sendable {
    private struct Progress {
        var toolchain: String?
        /// Since when it has waited for a slot.
        var waitingSince: ContinuousClock.Instant?
        var hasSlot = false
    }

    private let builds = Mutex<[BuildID: Progress]>([:])
    private let slots: Int

    package init(slots: Int) {
        self.slots = slots
    }

    /// A request became a build.
    package func started(_ id: BuildID) {
        builds.withLock { $0[id] = Progress() }
        Counter(label: "kettle_builds_started_total").increment()
    }

    /// A toolchain took it on.
    package func detected(_ id: BuildID, toolchain: String) {
        builds.withLock { $0[id]?.toolchain = toolchain }
    }

    /// It waits for a slot.
    package func queued(_ id: BuildID) {
        builds.withLock { builds in
            if builds[id]?.waitingSince == nil { builds[id]?.waitingSince = .now }
        }
    }

    /// It waits no longer for its source to be taken in.
    package func tookPlace(_ id: BuildID) {
        builds.withLock { $0[id]?.waitingSince = nil }
    }

    /// It has a slot, whether it waited or not.
    package func tookSlot(_ id: BuildID) {
        builds.withLock { builds in
            builds[id]?.waitingSince = nil
            builds[id]?.hasSlot = true
        }
    }

    /// It needs its slot no longer.
    package func leftSlot(_ id: BuildID) {
        builds.withLock { $0[id]?.hasSlot = false }
    }

    /// It ended, in whatever state it was.
    ///
    /// - Parameters:
    ///   - failure: Nil for success.
    ///   - events: How many events it had.
    package func ended(_ id: BuildID, failure: BuildFailure?, duration: Duration, events: Int, artifactBytes: Int64) {
        let progress = builds.withLock { $0.removeValue(forKey: id) }
        let labels = [
            ("toolchain", progress?.toolchain ?? "none"), ("outcome", failure?.kind.rawValue ?? "success"),
        ]
        Counter(label: "kettle_builds_ended_total", dimensions: labels).increment()
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        Recorder(label: "kettle_build_duration_seconds", dimensions: labels, aggregate: true).record(seconds)
        Counter(label: "kettle_build_events_total").increment(by: events)
        Counter(label: "kettle_build_artifact_bytes_total").increment(by: artifactBytes)
        if let limit = failure?.limit { limitHit(limit) }
    }

    /// A limit ended a build.
    package func limitHit(_ limit: String) {
        Counter(label: "kettle_build_limits_total", dimensions: [("limit", limit)]).increment()
    }

    /// The data folder could not be read or written.
    package func storeFailed() {
        Counter(label: "kettle_store_errors_total").increment()
    }

    /// Sets what is looked up rather than counted; called before the metrics are read.
    package func update() {
        let now = ContinuousClock.now
        let (waiting, busy) = builds.withLock { builds in
            (builds.values.compactMap(\.waitingSince), builds.values.count { $0.hasSlot })
        }
        let oldest = waiting.min().map { now - $0 } ?? .zero
        Gauge(label: "kettle_build_queue_depth").record(waiting.count)
        Gauge(label: "kettle_build_queue_oldest_seconds").record(oldest / .seconds(1))
        Gauge(label: "kettle_build_slots").record(slots)
        Gauge(label: "kettle_build_slots_busy").record(busy)
    }
}

extension BuildFailure {
    /// The limit that was reached, one of a closed set.
    fileprivate var limit: String? {
        details.first { $0.key == "limit" }?.value.stringValue
    }
}
