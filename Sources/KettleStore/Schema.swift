import GRDB
import Glibc
import SystemPackage

/// The tables, as migrations that are never edited once released.
///
/// A build is a row of `build`; each file that it left and that may be downloaded is a row of `recorded_file`. What has no
/// row is not served, whatever lies in the folder.
///
/// Of `build`: `request` is what was asked for, as JSON, so that it can be asked again after a crash; `attempts` how often it
/// was begun; `idempotency` and `fingerprint` are SHA-256 digests of the caller's key and of the request; `is_told` is 0 from the end
/// of a build until its last event is written; `bytes` is what its files take; `pruning` is 0 for a build that has everything, 1
/// while its files go and 2 when they are gone. `kept_source` holds small uploads of builds that have not ended.
enum Schema {
    /// Opens a database, which other processes may have open too, looks whether it is whole, and brings its tables up to date.
    static func open(_ path: FilePath) throws -> DatabasePool {
        // Requests wait for one writer after the other, so each may wait for another program only briefly.
        let configuration = configuration(patience: 0.5)
        // A pool writes as soon as it is opened, so a look at what may be damaged comes first.
        if access(path.string, F_OK) == 0 {
            var looking = configuration
            looking.readonly = true
            let database = try DatabaseQueue(path: path.string, configuration: looking)
            let fault = try database.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
            guard fault == "ok" else { throw StoreError.databaseDamaged(reason: fault ?? "quick_check says nothing") }
            try database.close()
        }
        let database = try DatabasePool(path: path.string, configuration: configuration)
        try migrator.migrate(database)
        return database
    }

    /// Opens the database of a service that may be running, as it is.
    ///
    /// - Throws: ``StoreError/schemaOfAnotherVersion`` unless its tables are those that this program knows.
    static func openExisting(_ path: FilePath) throws -> DatabasePool {
        let database = try DatabasePool(path: path.string, configuration: configuration(patience: 5))
        let migrator = migrator
        let applied = try database.read { try migrator.appliedIdentifiers($0) }
        guard applied == Set(migrator.migrations) else { throw StoreError.schemaOfAnotherVersion }
        return database
    }

    /// - Parameter patience: For how many seconds a write waits while another connection writes.
    private static func configuration(patience: Double) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(patience)
        configuration.prepareDatabase { database in
            // WAL with NORMAL loses nothing when the process dies; only a power cut may take the last commits.
            try database.execute(sql: "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON")
        }
        return configuration
    }

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("builds") { database in
            try database.execute(
                sql: """
                    CREATE TABLE build (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                        id TEXT NOT NULL UNIQUE,
                        state TEXT NOT NULL CHECK (state IN ('running', 'success', 'failed')),
                        source TEXT NOT NULL,
                        ref TEXT,
                        build_system TEXT,
                        created_at INTEGER NOT NULL,
                        finished_at INTEGER,
                        result BLOB
                    ) STRICT;
                    CREATE INDEX build_running ON build (state) WHERE state = 'running';
                    CREATE TABLE recorded_file (
                        build_id TEXT NOT NULL REFERENCES build (id) ON DELETE CASCADE,
                        category TEXT NOT NULL CHECK (category IN ('artifact', 'build-config', 'record')),
                        name TEXT NOT NULL,
                        location TEXT NOT NULL,
                        sha256 TEXT NOT NULL,
                        size INTEGER NOT NULL,
                        PRIMARY KEY (build_id, category, name)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("queue") { database in
            try database.execute(
                sql: """
                    ALTER TABLE build ADD COLUMN request BLOB;
                    ALTER TABLE build ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
                    ALTER TABLE build ADD COLUMN idempotency TEXT;
                    ALTER TABLE build ADD COLUMN fingerprint TEXT;
                    ALTER TABLE build ADD COLUMN is_told INTEGER NOT NULL DEFAULT 1;
                    ALTER TABLE build ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE build ADD COLUMN pruning INTEGER NOT NULL DEFAULT 0;
                    CREATE UNIQUE INDEX build_idempotency ON build (idempotency) WHERE idempotency IS NOT NULL;
                    CREATE INDEX build_untold ON build (is_told) WHERE is_told = 0;
                    CREATE INDEX build_kept ON build (finished_at) WHERE pruning = 0 AND finished_at IS NOT NULL;
                    CREATE INDEX recorded_file_artifact ON recorded_file (sha256) WHERE category = 'artifact';
                    CREATE TABLE kept_source (
                        build_id TEXT PRIMARY KEY REFERENCES build (id) ON DELETE CASCADE,
                        archive BLOB NOT NULL
                    ) STRICT;
                    """)
        }
        // What was built before there were owners was open to everybody, and stays so.
        migrator.registerMigration("owners") { database in
            try database.execute(
                sql: """
                    ALTER TABLE build ADD COLUMN owner TEXT;
                    ALTER TABLE build ADD COLUMN visibility TEXT NOT NULL DEFAULT 'public'
                        CHECK (visibility IN ('public', 'private'));
                    CREATE INDEX build_public ON build (sequence) WHERE visibility = 'public';
                    CREATE INDEX build_owner ON build (owner, sequence) WHERE owner IS NOT NULL;
                    """)
        }
        migrator.registerMigration("tokens") { database in
            try database.execute(
                sql: """
                    CREATE TABLE token (
                        id TEXT NOT NULL PRIMARY KEY,
                        sha256 TEXT NOT NULL,
                        owner TEXT NOT NULL,
                        label TEXT,
                        scopes TEXT NOT NULL,
                        created_at INTEGER NOT NULL,
                        expires_at INTEGER,
                        last_used_at INTEGER,
                        revoked_at INTEGER
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("usage") { database in
            try database.execute(
                sql: """
                    CREATE TABLE usage (
                        account TEXT NOT NULL,
                        hour INTEGER NOT NULL,
                        builds INTEGER NOT NULL DEFAULT 0,
                        bytes INTEGER NOT NULL DEFAULT 0,
                        milliseconds INTEGER NOT NULL DEFAULT 0,
                        PRIMARY KEY (account, hour)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX usage_hour ON usage (hour);
                    """)
        }
        return migrator
    }
}
