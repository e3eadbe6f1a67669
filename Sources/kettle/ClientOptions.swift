import ArgumentParser
import Foundation
import KettleAttestation
import KettleClient
import KettleError

/// Which service is asked, and who asks: options of every command that talks to one.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The service's address; http:// on this machine only. (default: $KETTLE_API, else \(Self.defaultAPI))",
            valueName: "url"))
    var api: String?

    @Option(
        help: ArgumentHelp(
            "Trust the certificate authorities in this PEM file instead of the system's.", valueName: "file"),
        completion: .file())
    var ca: String?

    @Option(
        help: ArgumentHelp(
            "A file of one line with the token that says who you are. (default: the token in $KETTLE_TOKEN)",
            valueName: "file"),
        completion: .file())
    var tokenFile: String?

    /// Bytes of a token; a service takes no longer ones.
    private static let tokenLimit = 8000
    private static let defaultAPI = "http://127.0.0.1:8080"

    /// - Throws: ``ServiceError``.
    func address() throws -> ServiceAddress {
        let variable = ProcessInfo.processInfo.environment["KETTLE_API"].flatMap { $0.isEmpty ? nil : $0 }
        return try ServiceAddress(api ?? variable ?? Self.defaultAPI)
    }

    /// Never an argument, which every process of the machine can read.
    func token() throws(ClientError) -> String? {
        let text: String
        if let tokenFile {
            guard let file = FileHandle(forReadingAtPath: tokenFile),
                let data = try? file.read(upToCount: Self.tokenLimit + 1)
            else { throw .tokenUnreadable(path: tokenFile) }
            text = String(decoding: data, as: UTF8.self)
        } else {
            text = ProcessInfo.processInfo.environment["KETTLE_TOKEN"] ?? ""
            guard !text.isEmpty else { return nil }
        }
        let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...Self.tokenLimit).contains(token.utf8.count), token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .tokenMalformed
        }
        return token
    }

    /// The service, by an authority's word or because it is on this machine.
    ///
    /// - Throws: ``ServiceError`` and ``ClientError``.
    func connection() throws -> ServiceConnection {
        try ServiceConnection(address(), authorities: ca, token: token())
    }

    /// An id goes into requests' paths, so it is looked at first.
    ///
    /// - Throws: ``ClientError/notABuild(_:)``.
    static func check(build id: String) throws(ClientError) {
        guard ServiceConnection.isBuildID(id) else { throw .notABuild(id) }
    }

    /// Runs a command that asks a service, and ends the process as its errors ask for: 130 where it was interrupted, 1 where the
    /// service was refused or refused, 2 where nothing was found out.
    static func run(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch is CancellationError {
            throw ExitCode(130)
        } catch let error as any UserFacingError {
            Terminal.report(error)
            throw ExitCode(error.isRejection ? 1 : 2)
        }
    }
}

/// What is wrong with an option of a command that asks a service.
enum ClientError: UserFacingError, Equatable {
    case refWithoutRepository
    case notABuild(String)
    case hasEnded
    case tokenUnreadable(path: String)
    /// Nothing of it is repeated.
    case tokenMalformed

    var code: String {
        switch self {
        case .refWithoutRepository: "submit.ref_without_repository"
        case .notABuild: "client.not_a_build"
        case .hasEnded: "client.has_ended"
        case .tokenUnreadable: "submit.token_unreadable"
        case .tokenMalformed: "submit.token_malformed"
        }
    }

    var message: String {
        switch self {
        case .refWithoutRepository: "--ref is for the URL of a repository"
        case .notABuild(let text): "\"\(text)\" is not the id of a build"
        case .hasEnded: "the build has ended already"
        case .tokenUnreadable(let path): "the token file \"\(path)\" cannot be read"
        case .tokenMalformed:
            "the token is malformed: it is empty, too long, or has blanks or characters beyond ASCII"
        }
    }

    var hint: String? {
        switch self {
        case .refWithoutRepository: "check the ref out and submit the folder, or name the repository's URL"
        case .notABuild: "an id is 24 or more hexadecimal digits; kettle builds lists them"
        case .hasEnded: "kettle logs shows how, and kettle download has its bundle"
        case .tokenUnreadable, .tokenMalformed: "kettle token create > FILE makes one, on the service's machine"
        }
    }
}

extension UserFacingError {
    /// Whether something was looked at and refused; otherwise nothing was found out.
    var isRejection: Bool {
        switch self {
        case let error as ServiceError: error.isRejection
        case let error as KeyEvidenceError: error.isRejection
        case is EvidenceError: true
        case let error as ClientError: error == .hasEnded
        default: false
        }
    }
}
