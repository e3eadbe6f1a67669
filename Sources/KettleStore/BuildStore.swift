import Foundation
import GRDB
package import KettleProvenance
import Synchronization
import SystemPackage

/// Builds at rest: rows in SQLite (WAL), files beside it.
///
/// A write that returned survives the end of the process. What a build leaves is recorded in one transaction with its
/// result, so that a reader sees an ended build whole or not at all.
///
/// Every function throws ``StoreError`` for what the database or its disk refuses.
package final class BuildStore: Sendable {
    package let folder: DataFolder
    let database: DatabasePool
    /// Builds whose last event is written and whose row does not say so yet: the next transaction writes it along.
    private let told = Mutex<[BuildID]>([])

    /// Opens the database, looks whether it is whole, and brings its tables up to date.
    ///
    /// Blocks.
    ///
    /// - Throws: ``StoreError``.
    package init(in folder: DataFolder) throws {
        self.folder = folder
        database = try StoreError.translated { try Schema.open(folder.database) }
    }

    /// Folds the write-ahead log in and closes the database.
    package func close() throws {
        try StoreError.translated {
            // Closing alone leaves the log where a reading connection is the last to go.
            _ = try database.writeWithoutTransaction { try $0.checkpoint(.truncate) }
            try database.close()
        }
    }

    /// Tries whether the database can be written.
    package func checkWritable() async throws {
        try await write { database in
            // Sets the number to what it is: a write, with the journal and the locks of one.
            let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            try database.execute(sql: "PRAGMA user_version = \(version)")
        }
    }

    // MARK: - A build's life

    package enum Insertion: Sendable {
        case inserted
        /// A build that was asked for with the same key.
        case duplicate(BuildRecord)
    }

    /// Records that a build begins; from here on it survives the process.
    ///
    /// - Parameter archive: The source, where it is small enough to be kept in the database until the build ends.
    @discardableResult
    package func insert(_ record: BuildRecord, keeping archive: [UInt8]? = nil) async throws -> Insertion {
        try await write { database in
            if let key = record.idempotency?.key,
                let existing = try Row.fetchOne(
                    database, sql: "SELECT * FROM build WHERE idempotency = ?", arguments: [key.hex]
                ).flatMap(Self.record)
            {
                return .duplicate(existing)
            }
            try database.cachedStatement(
                sql: """
                    INSERT INTO build (
                        id, state, source, ref, created_at, owner, visibility, request, idempotency, fingerprint, attempts
                    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
                    """
            ).execute(arguments: [
                record.id.hex, record.state.rawValue, record.source, record.ref, record.createdAt, record.owner,
                record.visibility.rawValue, record.request.map { Data($0) }, record.idempotency?.key.hex,
                record.idempotency?.fingerprint.hex,
            ])
            if let archive {
                try database.cachedStatement(sql: "INSERT INTO kept_source (build_id, archive) VALUES (?, ?)")
                    .execute(arguments: [record.id.hex, Data(archive)])
            }
            return .inserted
        }
    }

    /// Records how a build ended and what it left. Its last event is not written yet: see ``noteTold(_:)``.
    package func finish(
        _ id: BuildID, state: BuildRecord.State, buildSystem: String?, at time: Int64, result: [UInt8],
        files: [RecordedFile]
    ) async throws {
        try await write { database in
            try database.cachedStatement(
                sql: """
                    UPDATE build SET state = ?, build_system = ?, finished_at = ?, result = ?, request = NULL,
                    is_told = 0, bytes = ? WHERE id = ?
                    """
            ).execute(arguments: [
                state.rawValue, buildSystem, time, Data(result), files.reduce(0) { $0 + $1.size }, id.hex,
            ])
            try database.cachedStatement(sql: "DELETE FROM kept_source WHERE build_id = ?").execute(arguments: [id.hex])
            for file in files { try Self.insert(file, of: id, in: database) }
        }
    }

    /// Says that the last event of an ended build is written. The row learns of it with the next transaction: until then a
    /// start looks at the log once more, and finds it whole.
    package func noteTold(_ id: BuildID) {
        told.withLock { $0.append(id) }
    }

    /// Records that a build begins to use the machine: if the process ends now, it may be because of it.
    package func countAttempt(of id: BuildID) async throws {
        try await write { database in
            try database.execute(sql: "UPDATE build SET attempts = attempts + 1 WHERE id = ?", arguments: [id.hex])
        }
    }

    /// Records that a build is left to the next start on purpose: that does not count against it.
    package func forgetAttempt(of id: BuildID) async throws {
        try await write { database in
            try database.execute(
                sql: "UPDATE build SET attempts = max(0, attempts - 1) WHERE id = ?", arguments: [id.hex])
        }
    }

    /// Records one more file of an ended build: a bundle that was made when it was first asked for.
    ///
    /// - Throws: ``StoreError/buildGone`` when the build has been removed or pruned meanwhile.
    package func add(_ file: RecordedFile, to id: BuildID) async throws {
        try await write { database in
            let isNew =
                try Row.fetchOne(
                    database, sql: "SELECT 1 FROM recorded_file WHERE build_id = ? AND category = ? AND name = ?",
                    arguments: [id.hex, file.category.rawValue, file.name]) == nil
            try database.execute(
                sql: "UPDATE build SET bytes = bytes + ? WHERE id = ? AND pruning = 0",
                arguments: [isNew ? file.size : 0, id.hex])
            guard database.changesCount == 1 else { throw StoreError.buildGone }
            try Self.insert(file, of: id, in: database)
        }
    }

    // MARK: - Looking

    /// The build that was asked for with that key, or nil.
    package func record(idempotency key: ContentDigest) async throws -> BuildRecord? {
        try await read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM build WHERE idempotency = ?", arguments: [key.hex])
                .flatMap(Self.record)
        }
    }

    /// The build of that id, or nil.
    package func record(_ id: BuildID) async throws -> BuildRecord? {
        try await read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM build WHERE id = ?", arguments: [id.hex])
                .flatMap(Self.record)
        }
    }

    /// The recorded file of that name, or nil.
    package func file(of id: BuildID, _ category: RecordedFile.Category, named name: String) async throws
        -> RecordedFile?
    {
        try await read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM recorded_file WHERE build_id = ? AND category = ? AND name = ?",
                arguments: [id.hex, category.rawValue, name]
            ).flatMap(Self.file)
        }
    }

    /// All recorded files of a build, by category and name.
    package func files(of id: BuildID) async throws -> [RecordedFile] {
        try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM recorded_file WHERE build_id = ? ORDER BY category, name",
                arguments: [id.hex]
            ).compactMap(Self.file)
        }
    }

    // MARK: - What the last process left

    /// Builds that have not ended, in the order in which they came.
    package func unfinished() async throws -> [BuildRecord] {
        try await read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM build WHERE state = 'running' ORDER BY sequence")
                .compactMap(Self.record)
        }
    }

    /// The source that was kept in the database for a build, nil where there is none.
    package func keptSource(of id: BuildID) async throws -> [UInt8]? {
        try await read { database in
            try Data.fetchOne(database, sql: "SELECT archive FROM kept_source WHERE build_id = ?", arguments: [id.hex])
                .map { [UInt8]($0) }
        }
    }

    /// Ended builds of which nobody knows whether their last event was written.
    package func untold() async throws -> [BuildRecord] {
        try await read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM build WHERE is_told = 0").compactMap(Self.record)
        }
    }

    /// Every build there is.
    package func identifiers() async throws -> Set<BuildID> {
        try await read { database in
            try Set(String.fetchAll(database, sql: "SELECT id FROM build").compactMap { BuildID($0) })
        }
    }

    // MARK: - The database

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await database.translatedRead(body)
    }

    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        let told = told.withLock { $0 }
        let value = try await database.translatedWrite { database in
            for id in told {
                try database.cachedStatement(sql: "UPDATE build SET is_told = 1 WHERE id = ?")
                    .execute(arguments: [id.hex])
            }
            return try body(database)
        }
        if !told.isEmpty {
            let written = Set(told)
            self.told.withLock { $0.removeAll { written.contains($0) } }
        }
        return value
    }

    private static func insert(_ file: RecordedFile, of id: BuildID, in database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO recorded_file (build_id, category, name, location, sha256, size)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            id.hex, file.category.rawValue, file.name, file.location, file.digest.hex, file.size,
        ])
    }

    static func record(_ row: Row) -> BuildRecord? {
        guard let text = row["id"] as String?, let id = BuildID(text),
            let name = row["state"] as String?, let state = BuildRecord.State(rawValue: name),
            let word = row["visibility"] as String?, let visibility = BuildRecord.Visibility(rawValue: word)
        else { return nil }
        var record = BuildRecord(id: id, source: row["source"], ref: row["ref"], createdAt: row["created_at"])
        record.state = state
        record.owner = row["owner"]
        record.visibility = visibility
        record.buildSystem = row["build_system"]
        record.finishedAt = row["finished_at"]
        record.result = (row["result"] as Data?).map { [UInt8]($0) }
        record.request = (row["request"] as Data?).map { [UInt8]($0) }
        record.attempts = row["attempts"]
        record.isPruned = (row["pruning"] as Int) > 0
        if let key = (row["idempotency"] as String?).flatMap({ ContentDigest(hex: $0) }),
            let fingerprint = (row["fingerprint"] as String?).flatMap({ ContentDigest(hex: $0) })
        {
            record.idempotency = BuildRecord.Idempotency(key: key, fingerprint: fingerprint)
        }
        return record
    }

    static func file(_ row: Row) -> RecordedFile? {
        guard let kind = row["category"] as String?, let category = RecordedFile.Category(rawValue: kind),
            let hex = row["sha256"] as String?, let digest = ContentDigest(hex: hex)
        else { return nil }
        return RecordedFile(
            category: category, name: row["name"], location: row["location"], digest: digest, size: row["size"])
    }
}
