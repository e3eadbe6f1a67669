import KettleError
import KettleLauncher
package import KettleProvenance
import KettleSandbox
import KettleSource
import KettleStore
import KettleToolchains

/// Why a build ended without a result, as its caller is told (API section 1.3).
package struct BuildFailure: Error, Sendable {
    /// The families of failure that programs branch on.
    package enum Kind: String, Sendable {
        case unsupportedToolchain = "UnsupportedToolchainError"
        case source = "SourceError"
        case dependency = "DependencyError"
        case buildFailed = "BuildFailedError"
        case limitExceeded = "LimitExceededError"
        case cancelled = "CancelledError"
        case attestation = "AttestationError"
        case `internal` = "InternalError"

        /// 400 when the source or its sender ended the build, 500 when Kettle did.
        var httpStatus: Int {
            switch self {
            case .unsupportedToolchain, .source, .dependency, .buildFailed, .limitExceeded, .cancelled: 400
            case .attestation, .internal: 500
            }
        }
    }

    package var kind: Kind
    package var code: String
    package var message: String
    package var hint: String?
    /// More keys of the result, by kind.
    package var details: [(key: String, value: JSONValue)] = []

    /// Finds the words for an error that a stage threw; what is not meant for callers becomes an internal error.
    package init(_ error: any Error) {
        switch error {
        case let failure as BuildFailure:
            self = failure
        case let error as ToolchainError:
            self.init(kind: .dependency, error)
            switch error {
            case .unsupported(let supported, let found):
                kind = .unsupportedToolchain
                details = [
                    ("supported_toolchains", .array(supported.map(JSONValue.string))),
                    ("found_files", .array(found.map { .string(Self.shown($0)) })),
                ]
            case .notInstalled(_, _, _, let supported), .unknownToolchain(_, let supported):
                kind = .unsupportedToolchain
                details = [
                    ("supported_toolchains", .array(supported.map(JSONValue.string))), ("found_files", .array([])),
                ]
            case .noSuchFolder, .unsupportedSetting: kind = .source
            case .malformedFile(ProjectSettings.fileName, _, _), .unreadableFile(ProjectSettings.fileName, _):
                kind = .source
            case .artifactInSource: kind = .source
            case .noSuchArtifact, .duplicateArtifact: kind = .buildFailed
            case .toolchainMissing, .invalidConfiguration: kind = .internal
            default: break
            }
            if case .storageFailed = error { kind = .internal }
        case let error as SourceError:
            self.init(kind: .source, error)
        case SandboxError.limitExceeded(let limit, let value):
            self.init(kind: .limitExceeded, SandboxError.limitExceeded(limit: limit, value: value))
            details = [("limit", .string(limit.rawValue)), ("limit_value", .string(value))]
        case let error as BuildError:
            self.init(kind: error.kind, error)
            details = error.details
        case let error as any UserFacingError:
            self.init(kind: .internal, error)
        default:
            self.init(kind: .internal, BuildError.unexpected)
        }
    }

    private init(kind: Kind, _ error: any UserFacingError) {
        self.kind = kind
        code = error.code
        message = Self.shown(error.message)
        hint = error.hint
    }

    /// The longest message, in bytes. Messages may quote a stranger's words.
    private static let messageLimit = 2000

    private static func shown(_ text: String) -> String {
        let bytes =
            text.utf8.count <= messageLimit
            ? text : String(decoding: text.utf8.prefix(messageLimit), as: UTF8.self) + "…"
        return PrintableText.make(from: bytes)
    }
}

/// Failures that belong to the build as a whole rather than to one of its stages.
package enum BuildError: UserFacingError, Equatable {
    /// The project's own build command did not succeed.
    case commandFailed(command: String, exitCode: Int, lastLines: [String])
    /// The command succeeded and made nothing that could be handed over.
    case noArtifacts(command: String)
    /// A file that the build announced is not a plain file in its output folder.
    case artifactUnusable(name: String, reason: String)
    /// The artifacts together are larger than allowed.
    case artifactsTooLarge(limitInBytes: Int64)
    /// The operator stops the service.
    case serviceStopping
    /// The service stops before the build has ended, which goes on at the next start.
    case suspended
    /// So many builds wait that no more are taken, of anybody or of this caller.
    case queueFull(isOwn: Bool)
    /// The data folder's disk has less room than the operator wants to keep.
    case diskLow
    /// Somebody who may asked for it.
    case cancelled
    /// The service ended while the build ran, and it cannot be begun again or was too often.
    case interrupted(attempts: Int)
    /// So many wait for the end of one build that no more may.
    case tooManyWaiting
    /// The key was used for another request.
    case keyReused
    /// Nothing that a caller could do anything about; the log says what.
    case unexpected

    package var code: String {
        switch self {
        case .commandFailed: "build.command_failed"
        case .noArtifacts: "build.no_artifacts"
        case .artifactUnusable: "build.artifact_unusable"
        case .artifactsTooLarge: "build.artifacts_too_large"
        case .serviceStopping: "service.stopping"
        case .suspended: "build.suspended"
        case .queueFull: "service.queue_full"
        case .diskLow: "service.disk_low"
        case .cancelled: "build.cancelled"
        case .tooManyWaiting: "build.too_many_waiting"
        case .keyReused: "request.key_reused"
        case .interrupted: "build.interrupted"
        case .unexpected: "internal.unexpected"
        }
    }

    package var message: String {
        switch self {
        case .commandFailed(let command, let exitCode, _): "\(command) failed with exit code \(exitCode)"
        case .noArtifacts(let command): "\(command) succeeded but made no artifact"
        case .artifactUnusable(let name, let reason): "the artifact \"\(name)\" cannot be taken: \(reason)"
        case .artifactsTooLarge(let limit): "the artifacts are together larger than \(limit) bytes"
        case .serviceStopping: "the service is stopping"
        case .suspended: "the service is stopping, and the build goes on when it is back"
        case .queueFull(false): "the queue is full: as many builds wait as this service allows"
        case .queueFull(true):
            "the queue is full for you: as many of your builds wait as this service allows one caller"
        case .diskLow: "the disk has too little room for another build"
        case .cancelled: "the build was cancelled"
        case .interrupted(1): "the service ended unexpectedly while the build ran"
        case .interrupted(let attempts): "the service ended unexpectedly while the build ran, \(attempts) times"
        case .tooManyWaiting: "too many callers wait for the end of this build"
        case .keyReused: "the Idempotency-Key was sent before, with another request"
        case .unexpected: "the service failed; the request is not at fault"
        }
    }

    package var hint: String? {
        switch self {
        case .commandFailed: "the last lines of its output are in \"output\", all of it in build.log"
        case .noArtifacts:
            "docs/projects.md says what each toolchain takes for an artifact; kettle.toml in the source can name others"
        case .artifactUnusable:
            "the build must leave plain files, no links or devices, in its output folder or where kettle.toml says"
        case .artifactsTooLarge: "strip debug information or build fewer targets"
        case .serviceStopping, .interrupted, .queueFull, .diskLow: "try again later"
        case .suspended: "ask for the build at its Location later"
        case .cancelled: nil
        case .tooManyWaiting: "follow its events at its Location instead"
        case .keyReused: "send a new key with a new request, or the same request again"
        case .unexpected: "tell the operator the build id; the service's log has the details"
        }
    }

    var kind: BuildFailure.Kind {
        switch self {
        case .commandFailed, .noArtifacts, .artifactUnusable: .buildFailed
        case .artifactsTooLarge: .limitExceeded
        case .serviceStopping, .cancelled: .cancelled
        case .interrupted, .unexpected, .suspended, .queueFull, .diskLow, .tooManyWaiting, .keyReused: .internal
        }
    }

    var details: [(key: String, value: JSONValue)] {
        switch self {
        case .commandFailed(_, let exitCode, let lastLines):
            [
                ("exit_code", .integer(Int64(exitCode))),
                ("output", .array(lastLines.map(JSONValue.string))),
            ]
        case .artifactsTooLarge(let limit):
            [("limit", "artifact bytes"), ("limit_value", .string("\(limit)"))]
        default: []
        }
    }
}
