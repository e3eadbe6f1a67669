import GRDB

/// What is kept of ended builds, and how it goes.
///
/// A row says first that files go, then they go, then the row says that they are gone: a process that dies in between leaves a
/// row that the next one finds.
extension BuildStore {
    /// Ended builds that have all their files, the one that ended first before the others.
    ///
    /// - Parameters:
    ///   - time: Milliseconds since 1970; builds that ended before it.
    ///   - count: All but so many of the newest.
    ///   - bytes: As many of the oldest as there have to be gone for the rest to take so many bytes at most.
    /// - Returns: At most 1,000 of those that any of the three names.
    package func prunable(
        endedBefore time: Int64?, keepingNewest count: Int?, keepingBytes bytes: Int64?
    ) async throws -> [BuildID] {
        try await read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT id FROM (
                        SELECT id, finished_at, sequence,
                            row_number() OVER newest AS place, sum(bytes) OVER newest AS total
                        FROM build WHERE pruning = 0 AND finished_at IS NOT NULL
                        WINDOW newest AS (ORDER BY finished_at DESC, sequence DESC)
                    )
                    WHERE finished_at < coalesce(?, -1) OR place > coalesce(?, 9223372036854775807)
                        OR total > coalesce(?, 9223372036854775807)
                    ORDER BY finished_at, sequence LIMIT 1000
                    """, arguments: [time, count, bytes]
            ).compactMap { BuildID($0) }
        }
    }

    /// Records that a build keeps only `kept` of its records, and of its other files the name, size and digest.
    ///
    /// - Returns: Whether there was anything to take away.
    package func beginPruning(_ id: BuildID, keeping kept: Set<String>) async throws -> Bool {
        try await write { database in
            try database.execute(
                sql: "UPDATE build SET pruning = 1 WHERE id = ? AND pruning = 0 AND finished_at IS NOT NULL",
                arguments: [id.hex])
            guard database.changesCount == 1 else { return false }
            let records = try Row.fetchAll(
                database, sql: "SELECT * FROM recorded_file WHERE build_id = ?", arguments: [id.hex]
            ).compactMap(Self.file)
            var bytes: Int64 = 0
            for file in records {
                if file.category == .record, kept.contains(file.name) {
                    bytes += file.size
                } else {
                    try database.execute(
                        sql: """
                            UPDATE recorded_file SET location = '' WHERE build_id = ? AND category = ? AND name = ?
                            """, arguments: [id.hex, file.category.rawValue, file.name])
                }
            }
            try database.execute(sql: "UPDATE build SET bytes = ? WHERE id = ?", arguments: [bytes, id.hex])
            return true
        }
    }

    /// Records that the files are gone.
    package func endPruning(_ id: BuildID) async throws {
        try await write { try $0.execute(sql: "UPDATE build SET pruning = 2 WHERE id = ?", arguments: [id.hex]) }
    }

    /// Builds whose files were on their way out when the last process ended.
    package func halfPruned() async throws -> [BuildID] {
        try await read { database in
            try String.fetchAll(database, sql: "SELECT id FROM build WHERE pruning = 1").compactMap { BuildID($0) }
        }
    }

    /// Forgets an ended build.
    ///
    /// - Returns: Whether there was one.
    package func remove(_ id: BuildID) async throws -> Bool {
        try await write { database in
            try database.execute(
                sql: "DELETE FROM build WHERE id = ? AND finished_at IS NOT NULL", arguments: [id.hex])
            return database.changesCount == 1
        }
    }
}
