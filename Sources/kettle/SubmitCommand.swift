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

/// `kettle submit`: builds on a service, and believes nothing of it that does not verify.
struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Build on a service, and verify what comes back.",
        discussion: """
            Sends a project of this machine (of a git repository, everything that is not ignored) or the URL of a \
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
            "The branch, tag or commit of the repository to build. (default: its default branch)", valueName: "ref"))
    var ref: String?

    @Option(
        help: ArgumentHelp(
            "The project's folder inside the source. (default: its root, or its only folder)", valueName: "folder"))
    var project: String?

    @Option(
        help: ArgumentHelp(
            "The toolchain to build with, where a folder holds several projects: cargo, npm … (default: the first that fits)",
            valueName: "name"))
    var toolchain: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            """
            Where the bundle goes, as a folder or, with a name that ends in .zip, as a file; it must not exist.
            """, valueName: "path"), completion: .file())
    var output = "kettle-bundle"

    @Flag(help: "Send the source only to a service whose TLS key its evidence vouches for.")
    var requireAttestation = false

    @Option(
        help: ArgumentHelp(
            "Who may read the build: public or private. (default: private, where the service has accounts)",
            valueName: "who"))
    var visibility: String?

    @OptionGroup(title: "Which service") var client: ClientOptions

    @OptionGroup var expectations: SubmitExpectations

    @Flag(help: "Print every event as a line of JSON, and the result as the last one.")
    var json = false

    @Flag(name: .shortAndLong, help: "On a terminal too, print every line of the build's output.")
    var verbose = false

    mutating func validate() throws {
        source = source ?? expectations.hardware.takePath()
        guard source != nil else { throw ValidationError("Missing expected argument '<source>'") }
        while output.hasSuffix("/"), output != "/" { output.removeLast() }
        if output.isEmpty { throw ValidationError("-o names no path") }
    }

    func run() async throws {
        let display = BuildDisplay.fitting(json: json, verbose: verbose)
        let interruption = Interruption(display)
        try await ClientOptions.run {
            defer { display.end() }
            try await interruption.hold { try await submit(display, interruption) }
        }
    }

    private func submit(_ display: BuildDisplay, _ interruption: Interruption) async throws {
        let address = try serviceAddress()
        let token = try client.token()
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
        var form = BuildForm(source: wanted, nonce: nonce, path: project, toolchain: toolchain, visibility: visibility)
        if case .archive(_, _, let size) = wanted { form.onSent = { display.sent($0, of: size) } }
        let ended = try await follow(form, on: service, display, interruption)
        guard !interruption.isUnwanted else { throw CancellationError() }
        let isSuccess = ended.exitCode == .success
        display.end(mark: isSuccess ? .done : .failed, isOutputWanted: !isSuccess)
        guard isSuccess else { return try fail(ended) }

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
        let address = try client.address()
        if requireAttestation {
            guard address.isTLS else { throw ServiceError.attestationWithoutTLS }
            guard client.ca == nil else { throw VerifyOptionError.contradiction("--require-attestation", "--ca") }
        }
        guard ref == nil || repository != nil else { throw ClientError.refWithoutRepository }
        return address
    }

    private func wantedSource(_ scratch: FilePath) async throws -> (BuildForm.Source, archive: ContentDigest?) {
        if let repository { return (.repository(url: repository, ref: ref), nil) }
        let local = try await LocalSource.open(source ?? "", packingInto: scratch)
        let size = Quantity.text(megabytes: local.size)
        Terminal.warn("kettle: sending \(Finding.printable(local.name)), \(size)")
        if let difference = local.difference { Terminal.warn("kettle: \(difference), and sent as they are here") }
        return (
            .archive(descriptor: local.descriptor, name: local.name, size: local.size), archive: local.digest
        )
    }

    private func connect(
        _ address: ServiceAddress, _ token: String?, _ trusted: BundleVerifier
    ) async throws -> ServiceConnection {
        guard requireAttestation else { return try ServiceConnection(address, authorities: client.ca, token: token) }
        let judge = KeyEvidenceJudge(verifier: trusted)
        let service = try await ServiceConnection(attested: address, token: token) { try judge.judge($0, $1) }
        let key = service.attestedKey.map { ContentDigest(of: $0).hex } ?? ""
        Terminal.warn("kettle: the service's evidence vouches for its TLS key \(key)")
        return service
    }

    // MARK: - The build

    private func follow(
        _ form: BuildForm, on service: ServiceConnection, _ display: BuildDisplay, _ interruption: Interruption
    ) async throws -> ServiceConnection.EndedBuild {
        var accepted: String?
        do {
            let ended = try await display.following {
                try await service.build(form) { id in
                    accepted = id
                    interruption.note(id, on: service)
                } onEvent: {
                    display.show($0)
                }
            }
            interruption.forget()
            return ended
        } catch {
            display.end()
            if let accepted, !interruption.isCancelled {
                Terminal.warn("kettle: the build may go on at \(service.address.url("/builds/\(accepted)"))")
            }
            throw error
        }
    }

    // MARK: - The end

    private func fail(_ ended: ServiceConnection.EndedBuild) throws {
        if json { Terminal.say(ended.result.canonicalString()) }
        ended.report()
        throw ended.exitCode
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
            Terminal.say(verdict.lines, verdict.outcome, place)
        }
        try verdict.outcome.exit()
    }
}

/// What the service and its bundle have to be: options that `kettle verify` has too.
struct SubmitExpectations: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The nonce that the evidence must have been made for: 32 hexadecimal digits. (default: for a new build, a random one)",
            valueName: "hex"))
    var nonce: String?

    @Option(
        help: ArgumentHelp("A policy: what a bundle must be (docs/policy.md).", valueName: "file"),
        completion: .file())
    var policy: String?

    @Option(
        help: ArgumentHelp(
            "A software key whose word you take: its public half as a PEM file, or its SHA-256 fingerprint. May be repeated.",
            valueName: "file or hex"))
    var softwareKey: [String] = []

    @Option(
        help: ArgumentHelp(
            "The time of verification, such as 2026-11-24T00:12:10Z. (default: now)",
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
    ///
    /// - Parameters:
    ///   - nonce: One that was sent; nil for the one that was given, if any.
    ///   - repository: The URL that was sent, with `ref`.
    func questions(
        about bundle: String, _ nonce: BuildNonce? = nil, repository: String? = nil, ref: String? = nil
    ) throws -> VerifyQuestions {
        var command = try VerifyCommand.parse(["--", bundle])
        command.nonce = nonce?.hex ?? self.nonce
        command.policy = policy
        command.softwareKey = softwareKey
        command.images = images
        command.at = at
        command.hardware = hardware
        command.source = repository.map { "git+\($0)\(ref.map { "@\($0)" } ?? "")" }
        return try VerifyQuestions(command)
    }
}
