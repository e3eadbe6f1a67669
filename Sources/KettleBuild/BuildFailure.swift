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
    }

    package var kind: Kind
    package var code: String
    package var message: String
    package var hint: String?
    /// More keys of the result, by kind.
    package var details: [(key: String, value: JSONValue)] = []

    /// 400 when the source is at fault, 500 when Kettle is.
    package var httpStatus: Int {
        switch kind {
        case .unsupportedToolchain, .source, .dependency, .buildFailed, .limitExceeded: 400
        case .cancelled, .attestation, .internal: 500
        }
    }

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
            case .noSuchFolder: kind = .source
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
    /// The service ended while the build ran.
    case interrupted
    /// Nothing that a caller could do anything about; the log says what.
    case unexpected

    package var code: String {
        switch self {
        case .commandFailed: "build.command_failed"
        case .noArtifacts: "build.no_artifacts"
        case .artifactUnusable: "build.artifact_unusable"
        case .artifactsTooLarge: "build.artifacts_too_large"
        case .serviceStopping: "service.stopping"
        case .interrupted: "build.interrupted"
        case .unexpected: "internal.unexpected"
        }
    }

    package var message: String {
        switch self {
        case .commandFailed(let command, let exitCode, _): "\(command) failed with exit code \(exitCode)"
        case .noArtifacts(let command): "\(command) succeeded but made no binary or library to hand over"
        case .artifactUnusable(let name, let reason): "the artifact \"\(name)\" cannot be taken: \(reason)"
        case .artifactsTooLarge(let limit): "the artifacts are together larger than \(limit) bytes"
        case .serviceStopping: "the service was stopped while the build ran"
        case .interrupted: "the service ended unexpectedly while the build ran"
        case .unexpected: "the service failed for a reason of its own"
        }
    }

    package var hint: String? {
        switch self {
        case .commandFailed: "the last lines of its output are in \"output\", all of it in build.log"
        case .noArtifacts: "a project is expected to have a binary, a cdylib or a staticlib target"
        case .artifactUnusable: "the build must leave plain files, no links or devices, below its output folder"
        case .artifactsTooLarge: "strip debug information or build fewer targets"
        case .serviceStopping, .interrupted: "send the request again"
        case .unexpected: "tell the operator the build id; the service's log has the details"
        }
    }

    var kind: BuildFailure.Kind {
        switch self {
        case .commandFailed, .noArtifacts, .artifactUnusable: .buildFailed
        case .artifactsTooLarge: .limitExceeded
        case .serviceStopping: .cancelled
        case .interrupted, .unexpected: .internal
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
