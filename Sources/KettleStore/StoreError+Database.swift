import GRDB

extension DatabasePool {
    /// - Throws: ``StoreError`` for what the database or its disk refuses.
    func translatedRead<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        do { return try await read(body) } catch { throw StoreError.translation(of: error) }
    }

    /// - Throws: ``StoreError`` for what the database or its disk refuses.
    func translatedWrite<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        do { return try await write(body) } catch { throw StoreError.translation(of: error) }
    }
}

extension StoreError {
    /// - Throws: ``StoreError`` for what the database or its disk refuses.
    static func translated<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch { throw translation(of: error) }
    }

    /// What an error of SQLite means to a store; any other error is given back.
    static func translation(of error: any Error) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        let reason = error.message ?? error.resultCode.description
        return switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: StoreError.databaseBusy
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: StoreError.databaseDamaged(reason: reason)
        case .SQLITE_INTERRUPT: CancellationError()
        default: StoreError.writeFailed(what: "the database", reason: reason)
        }
    }
}
