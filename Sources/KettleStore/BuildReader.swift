import GRDB
package import KettleProvenance

/// Which builds somebody may read.
package enum BuildReader: Sendable, Hashable {
    /// The public ones.
    case everyone
    /// The public ones, and those of this owner.
    case owner(String)
    /// All: an administrator.
    case administrator

    fileprivate var owner: String? {
        if case .owner(let name) = self { name } else { nil }
    }
}

extension BuildStore {
    /// The build of that id if `reader` may read it.
    ///
    /// One query whether there is no such build or it is somebody else's, so that nothing but the answer could tell them
    /// apart, and the answer is nil for both.
    package func record(_ id: BuildID, for reader: BuildReader) async throws -> BuildRecord? {
        try await read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM build WHERE id = ? AND (visibility = 'public' OR owner = ? OR ?)",
                arguments: [id.hex, reader.owner, reader == .administrator]
            ).flatMap(Self.record)
        }
    }

    /// The newest builds that `reader` may read, the newest first.
    ///
    /// - Parameter before: Only builds that began before this one; nil or an unknown id begins with the newest.
    package func records(for reader: BuildReader, limit: Int, before: BuildID?) async throws -> [BuildRecord] {
        try await read { database in
            let start =
                try Int64.fetchOne(
                    database, sql: "SELECT sequence FROM build WHERE id = ?", arguments: [before?.hex]) ?? .max
            let (chosen, arguments): (String, StatementArguments) =
                switch reader {
                case .administrator: (Self.all, [start, limit])
                case .everyone: (Self.public, [start, limit])
                // Each half walks an index of its own, so that the builds of others cost nothing.
                case .owner(let owner): ("\(Self.public) UNION \(Self.owned)", [start, limit, owner, start, limit])
                }
            return try Row.fetchAll(
                database,
                sql: "SELECT * FROM build WHERE sequence IN (\(chosen)) ORDER BY sequence DESC LIMIT ?",
                arguments: arguments + [limit]
            ).compactMap(Self.record)
        }
    }

    /// The builds that made an artifact and that `reader` may read, newest first, at most a hundred, with what each calls it.
    package func artifacts(_ digest: ContentDigest, for reader: BuildReader) async throws -> [(
        build: BuildRecord, file: RecordedFile
    )] {
        try await read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT build.*, category, name, location, sha256, size FROM recorded_file
                    JOIN build ON build.id = build_id
                    WHERE category = 'artifact' AND sha256 = ? AND (visibility = 'public' OR owner = ? OR ?)
                    ORDER BY sequence DESC LIMIT 100
                    """, arguments: [digest.hex, reader.owner, reader == .administrator]
            ).compactMap { row in
                guard let build = Self.record(row), let file = Self.file(row) else { return nil }
                return (build, file)
            }
        }
    }

    private static let all = "SELECT sequence FROM build WHERE sequence < ? ORDER BY sequence DESC LIMIT ?"

    private static let `public` = """
        SELECT * FROM (SELECT sequence FROM build WHERE visibility = 'public' AND sequence < ? ORDER BY sequence DESC LIMIT ?)
        """

    private static let owned = """
        SELECT * FROM (SELECT sequence FROM build WHERE owner = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?)
        """
}
