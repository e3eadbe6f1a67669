import GRDB

/// What somebody used within a time.
package struct Usage: Sendable, Hashable {
    package var builds: Int64
    /// Sent to the service.
    package var bytes: Int64
    /// That builds ran.
    package var milliseconds: Int64

    package init(builds: Int64 = 0, bytes: Int64 = 0, milliseconds: Int64 = 0) {
        self.builds = builds
        self.bytes = bytes
        self.milliseconds = milliseconds
    }
}

/// What each owner used, by hours of UTC. It stands apart from the builds, so that removing one gives nothing back.
///
/// Every function throws ``StoreError`` for what the database or its disk refuses.
package struct UsageStore: Sendable {
    private let database: DatabasePool

    private static let hour: Int64 = 3_600_000

    package init(of store: BuildStore) {
        database = store.database
    }

    /// - Parameters:
    ///   - owner: The empty text stands for whoever has none.
    ///   - time: Milliseconds since 1970, UTC.
    /// - Returns: What was used in the hour and in the day (UTC) of that time.
    package func usage(of owner: String, at time: Int64) async throws -> (hour: Usage, day: Usage) {
        try await database.translatedRead { try Self.usage(of: owner, at: time, in: $0) }
    }

    /// Adds what is used, unless `refusal` has something against it; both in one transaction, so that two requests do not
    /// both take what is left for one. Negative amounts give back.
    ///
    /// - Returns: What `refusal` returned, nil where the amount was added.
    package func add<Refusal: Sendable>(
        _ amount: Usage, to owner: String, at time: Int64,
        unless refusal: @escaping @Sendable (_ hour: Usage, _ day: Usage) -> Refusal?
    ) async throws -> Refusal? {
        try await database.translatedWrite { database in
            let used = try Self.usage(of: owner, at: time, in: database)
            if let refused = refusal(used.hour, used.day) { return refused }
            try Self.add(amount, to: owner, at: time, in: database)
            return nil
        }
    }

    /// Adds what is used.
    package func add(_ amount: Usage, to owner: String, at time: Int64) async throws {
        try await database.translatedWrite { try Self.add(amount, to: owner, at: time, in: $0) }
    }

    private static func add(_ amount: Usage, to owner: String, at time: Int64, in database: Database) throws {
        // Nobody asks for what was before yesterday.
        try database.execute(sql: "DELETE FROM usage WHERE hour < ?", arguments: [time / hour - 48])
        try database.execute(
            sql: """
                INSERT INTO usage (account, hour, builds, bytes, milliseconds) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET builds = builds + excluded.builds, bytes = bytes + excluded.bytes,
                    milliseconds = milliseconds + excluded.milliseconds
                """, arguments: [owner, time / hour, amount.builds, amount.bytes, amount.milliseconds])
    }

    private static func usage(
        of owner: String, at time: Int64, in database: Database
    ) throws -> (hour: Usage, day: Usage) {
        func sum(from start: Int64) throws -> Usage {
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT coalesce(sum(builds), 0) AS builds, coalesce(sum(bytes), 0) AS bytes,
                        coalesce(sum(milliseconds), 0) AS milliseconds
                    FROM usage WHERE account = ? AND hour >= ?
                    """, arguments: [owner, start])
            return Usage(
                builds: row?["builds"] ?? 0, bytes: row?["bytes"] ?? 0, milliseconds: row?["milliseconds"] ?? 0)
        }
        let now = time / hour
        return (try sum(from: now), try sum(from: now / 24 * 24))
    }
}
