import Foundation
import GRDB
import KettleProvenance
import SystemPackage

/// Builds at rest: rows in SQLite (WAL), files beside it.
///
/// A write that returned survives the end of the process. What a build leaves is recorded in one transaction with its
/// result, so that a reader sees an ended build whole or not at all.
package struct BuildStore: Sendable {
    package let folder: DataFolder
    private let database: DatabasePool

    /// Opens the database and brings its tables up to date.
    package init(in folder: DataFolder) throws {
        self.folder = folder
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            // WAL with NORMAL loses nothing when the process dies; only a power cut may take the last commits.
            try database.execute(sql: "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON")
        }
        database = try DatabasePool(path: folder.database.string, configuration: configuration)
        try Schema.migrator.migrate(database)
    }

    /// Records that a build begins.
    package func insert(_ record: BuildRecord) async throws {
        try await database.write { database in
            try database.cachedStatement(
                sql: "INSERT INTO build (id, state, source, ref, created_at) VALUES (?, ?, ?, ?, ?)"
            ).execute(arguments: [
                record.id.hex, record.state.rawValue, record.source, record.ref, record.createdAt,
            ])
        }
    }

    /// Records how a build ended and what it left.
    package func finish(
        _ id: BuildID, state: BuildRecord.State, buildSystem: String?, at time: Int64, result: [UInt8],
        files: [RecordedFile]
    ) async throws {
        try await database.write { database in
            try database.cachedStatement(
                sql: "UPDATE build SET state = ?, build_system = ?, finished_at = ?, result = ? WHERE id = ?"
            ).execute(arguments: [state.rawValue, buildSystem, time, Data(result), id.hex])
            for file in files {
                try Self.insert(file, of: id, in: database)
            }
        }
    }

    /// Records one more file of an ended build: a bundle that was made when it was first asked for.
    package func add(_ file: RecordedFile, to id: BuildID) async throws {
        try await database.write { try Self.insert(file, of: id, in: $0) }
    }

    /// The build of that id, or nil.
    package func record(_ id: BuildID) async throws -> BuildRecord? {
        try await database.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM build WHERE id = ?", arguments: [id.hex])
                .flatMap(Self.record)
        }
    }

    /// The newest builds first.
    ///
    /// - Parameter before: Only builds that began before this one; nil or an unknown id begins with the newest.
    package func records(limit: Int, before: BuildID?) async throws -> [BuildRecord] {
        try await database.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM build
                    WHERE sequence < coalesce((SELECT sequence FROM build WHERE id = ?), 9223372036854775807)
                    ORDER BY sequence DESC LIMIT ?
                    """, arguments: [before?.hex, limit]
            ).compactMap(Self.record)
        }
    }

    /// Builds that the last process left unfinished.
    package func unfinished() async throws -> [BuildRecord] {
        try await database.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM build WHERE state = 'running'").compactMap(Self.record)
        }
    }

    /// The builds that ended within a minute of the one that ended last.
    package func lastFinished() async throws -> [BuildRecord] {
        try await database.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM build WHERE finished_at >= (SELECT max(finished_at) FROM build) - 60000"
            ).compactMap(Self.record)
        }
    }

    /// The recorded file of that name, or nil.
    package func file(of id: BuildID, _ category: RecordedFile.Category, named name: String) async throws
        -> RecordedFile?
    {
        try await database.read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM recorded_file WHERE build_id = ? AND category = ? AND name = ?",
                arguments: [id.hex, category.rawValue, name]
            ).flatMap(Self.file)
        }
    }

    /// All recorded files of a build, by category and name.
    package func files(of id: BuildID) async throws -> [RecordedFile] {
        try await database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM recorded_file WHERE build_id = ? ORDER BY category, name",
                arguments: [id.hex]
            ).compactMap(Self.file)
        }
    }

    /// Closes the database, so that its write-ahead log is folded in.
    package func close() throws {
        try database.close()
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

    private static func record(_ row: Row) -> BuildRecord? {
        guard let text = row["id"] as String?, let id = BuildID(text),
            let name = row["state"] as String?, let state = BuildRecord.State(rawValue: name)
        else { return nil }
        let result = (row["result"] as Data?).map { [UInt8]($0) }
        return BuildRecord(
            id: id, state: state, source: row["source"], ref: row["ref"], buildSystem: row["build_system"],
            createdAt: row["created_at"], finishedAt: row["finished_at"], result: result)
    }

    private static func file(_ row: Row) -> RecordedFile? {
        guard let kind = row["category"] as String?, let category = RecordedFile.Category(rawValue: kind),
            let hex = row["sha256"] as String?, let digest = ContentDigest(hex: hex)
        else { return nil }
        return RecordedFile(
            category: category, name: row["name"], location: row["location"], digest: digest, size: row["size"])
    }
}
