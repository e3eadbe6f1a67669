import Configuration

/// One place that settings come from: the flags, the environment or the file.
///
/// Every value is a list of texts, most of them of one. What a text must be is the setting's affair, which is checked in one
/// way wherever it came from.
struct SettingsLayer: ConfigProvider, ConfigSnapshot {
    let providerName: String
    /// By the names of settings.
    var values: [String: Settings.Value] = [:]

    /// - Returns: The texts, with their origin in place of the key: `--port`, `KETTLE_PORT`, `port in kettle.toml`.
    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let value = values[key.components.joined(separator: ".")]
        return LookupResult(
            encodedKey: value?.origin ?? key.description,
            value: value.map { ConfigValue(.stringArray($0.texts), isSecret: false) })
    }

    func fetchValue(forKey key: AbsoluteConfigKey, type: ConfigType) async throws -> LookupResult {
        try value(forKey: key, type: type)
    }

    func watchValue<Return: ~Copyable>(
        forKey key: AbsoluteConfigKey, type: ConfigType,
        updatesHandler: (ConfigUpdatesAsyncSequence<Result<LookupResult, any Error>, Never>) async throws -> Return
    ) async throws -> Return {
        try await watchValueFromValue(forKey: key, type: type, updatesHandler: updatesHandler)
    }

    func snapshot() -> any ConfigSnapshot { self }

    func watchSnapshot<Return: ~Copyable>(
        updatesHandler: (ConfigUpdatesAsyncSequence<any ConfigSnapshot, Never>) async throws -> Return
    ) async throws -> Return {
        try await watchSnapshotFromSnapshot(updatesHandler: updatesHandler)
    }
}
