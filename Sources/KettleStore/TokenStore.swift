import GRDB
import Glibc
import KettleProvenance
import SystemPackage

/// The tokens of one service, in its database. `kettle token` opens them while the service runs.
///
/// Every function throws ``StoreError`` for what the database or its disk refuses.
package struct TokenStore: Sendable {
    private let database: DatabasePool

    /// The last use of a token is written down this often, in milliseconds.
    private static let useInterval: Int64 = 3_600_000

    /// The tokens of the service that uses `store`.
    package init(of store: BuildStore) {
        database = store.database
    }

    /// The tokens in a data folder that a service has used, and may be using.
    ///
    /// - Throws: ``StoreError``: ``StoreError/folderUnused(path:)`` where there is no database, which is never made here, and
    ///   ``StoreError/schemaOfAnotherVersion``.
    package init(in folder: DataFolder) throws {
        guard access(folder.database.string, F_OK) == 0 else {
            throw StoreError.folderUnused(path: folder.root.string)
        }
        database = try StoreError.translated { try Schema.openExisting(folder.database) }
    }

    package func insert(_ token: StoredToken) async throws {
        try await database.translatedWrite { database in
            try database.execute(
                sql: """
                    INSERT INTO token (id, sha256, owner, label, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    token.id, token.digest.hex, token.owner, token.label, token.scopes.joined(separator: " "),
                    token.createdAt, token.expiresAt,
                ])
        }
    }

    package func token(_ id: String) async throws -> StoredToken? {
        try await database.translatedRead { database in
            try Row.fetchOne(database, sql: "SELECT * FROM token WHERE id = ?", arguments: [id]).flatMap(Self.token)
        }
    }

    /// All tokens, the oldest first.
    package func all() async throws -> [StoredToken] {
        try await database.translatedRead { database in
            try Row.fetchAll(database, sql: "SELECT * FROM token ORDER BY created_at, id").compactMap(Self.token)
        }
    }

    /// Makes a token worthless from now on. One that is revoked already keeps its time.
    ///
    /// - Returns: Whether there is such a token.
    package func revoke(_ id: String, at time: Int64) async throws -> Bool {
        try await database.translatedWrite { database in
            try database.execute(
                sql: "UPDATE token SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", arguments: [time, id])
            return database.changesCount > 0
        }
    }

    /// Writes down that a token was used, if that was not done within the last hour.
    package func recordUse(of token: StoredToken, at time: Int64) async throws {
        if let last = token.lastUsedAt, last > time - Self.useInterval { return }
        try await database.translatedWrite { database in
            try database.execute(sql: "UPDATE token SET last_used_at = ? WHERE id = ?", arguments: [time, token.id])
        }
    }

    /// Closes what ``init(in:)`` opened.
    package func close() throws {
        try StoreError.translated { try database.close() }
    }

    private static func token(_ row: Row) -> StoredToken? {
        guard let hex = row["sha256"] as String?, let digest = ContentDigest(hex: hex),
            let words = row["scopes"] as String?
        else { return nil }
        return StoredToken(
            id: row["id"], digest: digest, owner: row["owner"], label: row["label"],
            scopes: words.split(separator: " ").map(String.init), createdAt: row["created_at"],
            expiresAt: row["expires_at"], lastUsedAt: row["last_used_at"], revokedAt: row["revoked_at"])
    }
}
