import ArgumentParser
import Foundation
import Glibc
import KettleAttestation
import KettleBuild
import KettleClient
import KettleError
import KettleProvenance
import KettleSource
import KettleVerify
import SystemPackage
import UnixSignals

/// `kettle submit`: builds on a service, and believes nothing of it that does not verify.
struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Build on a service, and verify what comes back.",
        discussion: """
            Sends a project of this machine (of a git repository everything that is not ignored) or the URL of a \
            repository, shows the build's progress on standard error, fetches the bundle and verifies it as kettle verify \
            does, with a fresh nonce. With --require-attestation nothing of the source is sent before the service has \
            shown evidence for the key with which it speaks, which is held to the same keys, measurements and builders as \
            its bundle. Exits 0 when the bundle is accepted; 1 when it is rejected, \
            the project cannot be built or the service is refused; 2 when that could not be found out.
            """)

    @Argument(help: "The project's folder, a .zip or .tar.gz of it, or a git repository's URL.", completion: .file())
    var source: String?

    @Option(
        help: ArgumentHelp(
            "The service's address (default: $KETTLE_API, else \(Self.defaultAPI)). http:// on this machine only.",
            valueName: "url"))
    var api: String?

    @Option(help: ArgumentHelp("The branch, tag or commit to build, with a URL.", valueName: "ref"))
    var ref: String?

    @Option(help: ArgumentHelp("The project's folder inside the source.", valueName: "folder"))
    var project: String?

    @Option(
        help: ArgumentHelp(
            "What builds it, where a folder holds several projects: cargo, npm … (default: the first that fits).",
            valueName: "name"))
    var toolchain: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            """
            Where the bundle goes, as a folder or, with a name that ends in .zip, as a file; it must not exist (default: \
            kettle-bundle).
            """, valueName: "path"), completion: .file())
    var output = "kettle-bundle"

    @Flag(help: "Send the source only to a service whose TLS key its evidence vouches for.")
    var requireAttestation = false

    @Option(
        help: ArgumentHelp("Trust these certificate authorities instead of the system's, in PEM.", valueName: "file"),
        completion: .file())
    var ca: String?

    @Option(
        help: ArgumentHelp(
            "The token that says who asks, in a file of one line (default: $KETTLE_TOKEN).", valueName: "file"),
        completion: .file())
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "Who may read the build: public or private (default: private, where the service has accounts).",
            valueName: "who"))
    var visibility: String?

    @OptionGroup var expectations: SubmitExpectations

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    /// Bytes of a token; a service takes no longer ones.
    private static let tokenLimit = 8000
    private static let defaultAPI = "http://127.0.0.1:8080"

    mutating func validate() throws {
        source = source ?? expectations.hardware.takePath()
        guard source != nil else { throw ValidationError("Missing expected argument '<source>'") }
        while output.hasSuffix("/"), output != "/" { output.removeLast() }
        if output.isEmpty { throw ValidationError("-o names no path") }
    }

    func run() async throws {
        let work = Task { try await submit() }
        let signals = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { work.cancel() }
        }
        defer { signals.cancel() }
        do {
            try await work.value
        } catch is CancellationError {
            throw ExitCode(130)
        } catch let error as any UserFacingError {
            Terminal.report(error)
            throw ExitCode(error.isRejection ? 1 : 2)
        }
    }

    private func submit() async throws {
        let address = try serviceAddress()
        let token = try token()
        // Whatever is wrong with the options is told before anything is sent.
        let nonce = try expectations.freshNonce()
        let trusted = try expectations.questions(about: output, nonce, repository: repository, ref: ref).verifier
        guard access(output, F_OK) != 0 else { throw LocalBuildError.outputExists(output) }
        let packing = try ScratchFolder()
        defer { packing.remove() }
        let (wanted, digest) = try await wantedSource(packing.path)
        // Not before: the bundle may go into the very folder that was packed.
        let scratch = try ScratchFolder(beside: output)
        defer { scratch.remove() }

        let service = try await connect(address, token, trusted)
        let form = BuildForm(source: wanted, nonce: nonce, path: project, toolchain: toolchain, visibility: visibility)
        let ended = try await follow(form, on: service)
        guard ended.result["status"]?.stringValue == "success" else { return try fail(ended) }

        let bundle = try await ReceivedBundle.fetch(ended.id, from: service, into: scratch.path)
        let questions = try expectations.questions(about: output, nonce, repository: repository, ref: ref)
        var verdict = bundle.verified(by: questions.verifier, asZIP: output.hasSuffix(".zip"))
        verdict.hold(toArchive: digest)
        let place = try bundle.move(to: output, asZIP: output.hasSuffix(".zip"), verdict.outcome)
        try tell(verdict, at: place, ended, service, nonce)
    }

    // MARK: - Before anything is sent

    private var repository: String? { source.flatMap { $0.contains("://") ? $0 : nil } }

    private func serviceAddress() throws -> ServiceAddress {
        let variable = ProcessInfo.processInfo.environment["KETTLE_API"].flatMap { $0.isEmpty ? nil : $0 }
        let address = try ServiceAddress(api ?? variable ?? Self.defaultAPI)
        if requireAttestation {
            guard address.isTLS else { throw ServiceError.attestationWithoutTLS }
            guard ca == nil else { throw VerifyOptionError.contradiction("--require-attestation", "--ca") }
        }
        guard ref == nil || repository != nil else { throw SubmitError.refWithoutRepository }
        return address
    }

    private func wantedSource(_ scratch: FilePath) async throws -> (BuildForm.Source, archive: ContentDigest?) {
        if let repository { return (.repository(url: repository, ref: ref), nil) }
        let local = try await LocalSource.open(source ?? "", packingInto: scratch)
        return (
            .archive(descriptor: local.descriptor, name: local.name, size: local.size), archive: local.digest
        )
    }

    /// Never an argument, which every process of the machine can read.
    private func token() throws(SubmitError) -> String? {
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

    private func connect(
        _ address: ServiceAddress, _ token: String?, _ trusted: BundleVerifier
    ) async throws -> ServiceConnection {
        guard requireAttestation else { return try ServiceConnection(address, authorities: ca, token: token) }
        let judge = KeyEvidenceJudge(verifier: trusted)
        let service = try await ServiceConnection(attested: address, token: token) { try judge.judge($0, $1) }
        let key = service.attestedKey.map { ContentDigest(of: $0).hex } ?? ""
        Terminal.warn("kettle: the service's evidence vouches for its TLS key \(key)")
        return service
    }

    // MARK: - The build

    /// The longest line of progress that is shown, in characters.
    private static let shownCharacters = 16 << 10

    private func follow(_ form: BuildForm, on service: ServiceConnection) async throws -> ServiceConnection.EndedBuild {
        var accepted: String?
        do {
            return try await service.build(form) { id in
                accepted = id
            } onEvent: { event in
                guard let message = event.message else { return }
                Terminal.warn(PrintableText.make(from: String(message.prefix(Self.shownCharacters))))
            }
        } catch {
            if let accepted {
                Terminal.warn("kettle: the build may go on at \(service.address.url("/builds/\(accepted)"))")
            }
            throw error
        }
    }

    // MARK: - The end

    private func fail(_ ended: ServiceConnection.EndedBuild) throws {
        let result = ended.result
        if json { Terminal.say(result.canonicalString()) }
        Terminal.warn("kettle: error: \(Finding.printable(result["error"]?.stringValue ?? "the build failed"))")
        if let hint = result["hint"]?.stringValue { Terminal.warn("kettle: hint: \(Finding.printable(hint))") }
        let isServicesFault = ["CancelledError", "AttestationError", "InternalError"]
            .contains(result["error_type"]?.stringValue ?? "")
        throw ExitCode(isServicesFault ? 2 : 1)
    }

    private func tell(
        _ verdict: SubmissionVerdict, at place: String, _ ended: ServiceConnection.EndedBuild,
        _ service: ServiceConnection, _ nonce: BuildNonce
    ) throws {
        if json {
            var members: [String: JSONValue] = [
                "build_id": .string(ended.id), "bundle": .string(place), "nonce": .string(nonce.hex),
                "outcome": .string(verdict.outcome.rawValue), "verdict": verdict.bundle.json,
            ]
            members["attested_tls_key"] = service.attestedKey.map { .string(ContentDigest(of: $0).hex) }
            members["source"] = verdict.source.map { .string($0.rawValue) }
            Terminal.say(JSONValue.object(members).canonicalString())
        } else {
            for line in verdict.lines { Terminal.say(line) }
            Terminal.say("\(verdict.outcome.rawValue): \(Finding.printable(place))")
        }
        switch verdict.outcome {
        case .accepted: return
        case .rejected: throw ExitCode(1)
        case .undetermined: throw ExitCode(2)
        }
    }
}

/// What the service and its bundle have to be: options that `kettle verify` has too.
struct SubmitExpectations: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The nonce that the evidence has to be made for: 32 hexadecimal digits (default: a random one).",
            valueName: "hex"))
    var nonce: String?

    @Option(
        help: ArgumentHelp("A policy file: what a bundle has to be (docs/policy.md).", valueName: "file"),
        completion: .file())
    var policy: String?

    @Option(
        help: ArgumentHelp(
            "A software key whose word you take: its public half as a PEM file, or its SHA-256 fingerprint. May be repeated.",
            valueName: "file or hex"))
    var softwareKey: [String] = []

    @Option(
        help: ArgumentHelp(
            "The time at which evidence has to be valid (default: now), such as 2026-11-24T00:12:10Z.",
            valueName: "time"))
    var at: String?

    @OptionGroup var images: ImageOptions

    @OptionGroup(title: "What the hardware has to say") var hardware: HardwareOptions

    func freshNonce() throws -> BuildNonce {
        guard let nonce else { return .random() }
        guard let parsed = BuildNonce(text: nonce) else { throw VerifyOptionError.nonce(nonce) }
        return parsed
    }

    /// What `kettle verify` would be asked about the bundle.
    func questions(
        about bundle: String, _ nonce: BuildNonce, repository: String?, ref: String?
    ) throws -> VerifyQuestions {
        var command = try VerifyCommand.parse(["--", bundle])
        command.nonce = nonce.hex
        command.policy = policy
        command.softwareKey = softwareKey
        command.images = images
        command.at = at
        command.hardware = hardware
        command.source = repository.map { "git+\($0)\(ref.map { "@\($0)" } ?? "")" }
        return try VerifyQuestions(command)
    }
}

/// Why nothing was submitted.
enum SubmitError: UserFacingError, Equatable {
    case refWithoutRepository
    case tokenUnreadable(path: String)
    /// Nothing of it is repeated.
    case tokenMalformed

    var code: String {
        switch self {
        case .refWithoutRepository: "submit.ref_without_repository"
        case .tokenUnreadable: "submit.token_unreadable"
        case .tokenMalformed: "submit.token_malformed"
        }
    }

    var message: String {
        switch self {
        case .refWithoutRepository: "--ref is for the URL of a repository"
        case .tokenUnreadable(let path): "the token file \"\(path)\" cannot be read"
        case .tokenMalformed:
            "what should be a token is none: it is empty, too long, or has blanks or other letters than ASCII's"
        }
    }

    var hint: String? {
        switch self {
        case .refWithoutRepository: "check the ref out and submit the folder, or name the repository's URL"
        case .tokenUnreadable, .tokenMalformed: "kettle token create > FILE makes one, on the service's machine"
        }
    }
}

extension UserFacingError {
    /// Whether something was looked at and refused; otherwise nothing was found out.
    fileprivate var isRejection: Bool {
        switch self {
        case let error as ServiceError: error.isRejection
        case let error as KeyEvidenceError: error.isRejection
        case is EvidenceError: true
        default: false
        }
    }
}
