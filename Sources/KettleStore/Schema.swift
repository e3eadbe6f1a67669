import GRDB

/// The tables, as migrations that are never edited once released.
///
/// A build is a row of `build`; each file that it left and that may be downloaded is a row of `recorded_file`. What has no
/// row is not served, whatever lies in the folder.
enum Schema {
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
        return migrator
    }
}
