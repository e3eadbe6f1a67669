import KettleStore

/// The bundles that are being packed: each once however many ask for it, and ``limit`` of them at a time.
///
/// An actor because every request for a bundle that is not packed yet asks it.
actor BundlePacking {
    /// A packing takes a processor and as much of the disk as the bundle.
    private static let limit = 2

    private struct Bundle: Hashable {
        var id: BuildID
        var kind: BundleArchive
    }

    private let slots = BuildSlots(count: limit)
    private var underWay: [Bundle: Task<RecordedFile?, any Error>] = [:]

    /// The outcome of the packing of a bundle, which begins unless it is under way.
    ///
    /// It goes on when who asked has left: what it makes is kept, and the next who asks need not wait.
    ///
    /// - Parameter pack: Looks again for what was there when it was asked for: it may have waited.
    func outcome(
        of id: BuildID, as kind: BundleArchive, _ pack: @escaping @Sendable () async throws -> RecordedFile?
    ) async throws -> RecordedFile? {
        let bundle = Bundle(id: id, kind: kind)
        if let task = underWay[bundle] { return try await task.value }
        let task = Task { [slots] in
            defer { underWay[bundle] = nil }
            return try await slots.withSlot { try await pack() }
        }
        underWay[bundle] = task
        return try await task.value
    }
}
