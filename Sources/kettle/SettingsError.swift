import KettleError

/// What is wrong with the settings of a command.
enum SettingsError: UserFacingError, Equatable {
    case fileUnreadable(path: String)
    case fileMalformed(path: String, line: Int, reason: String)
    case unknown(name: String, place: String, known: [String])
    case unusable(origin: String, text: String, wanted: String)

    var code: String {
        switch self {
        case .fileUnreadable: "settings.file_unreadable"
        case .fileMalformed: "settings.file_malformed"
        case .unknown: "settings.unknown"
        case .unusable: "settings.unusable"
        }
    }

    var message: String {
        switch self {
        case .fileUnreadable(let path): "the configuration file \"\(path)\" cannot be read"
        case .fileMalformed(let path, let line, let reason): "\(path), line \(line): \(reason)"
        case .unknown(let name, let place, _): "there is no setting \"\(name)\" (in \(place))"
        case .unusable(let origin, let text, let wanted): "\(origin) is \"\(text)\", and must be \(wanted)"
        }
    }

    var hint: String? {
        switch self {
        case .fileUnreadable: "name a file of at most 1 MiB with --config"
        case .unknown(_, _, let known): "the settings are \(known.joined(separator: ", "))"
        case .fileMalformed, .unusable: nil
        }
    }
}
