import ArgumentParser
import KettleAttestation
import KettleError

/// `kettle build`: builds a local project as a service would, without evidence.
struct BuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build a local project the way a service does.",
        discussion: """
            Writes the bundle without evidence, so kettle verify rejects it: it shows what a service would make. Of a git \
            repository, everything that is not ignored is built. Progress goes to standard error. Exits 0 when the bundle is \
            written, 1 when the project cannot be built, 2 when this machine is at fault.
            """)

    @OptionGroup var options: LocalBuildOptions

    func run() async throws {
        try await LocalBuild(options: options, attester: .nobody).run()
    }
}

/// `kettle attest`: the same, with evidence.
struct AttestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attest",
        abstract: "Build a local project and attest to it.",
        discussion: """
            The evidence comes from the machine's trusted hardware. Where there is none, nothing is built unless \
            --software-key names a key for development. Exits as kettle build does.
            """)

    @OptionGroup var options: LocalBuildOptions

    @Option(help: ArgumentHelp("The nonce that the evidence is made for: 32 hexadecimal digits.", valueName: "hex"))
    var nonce: String?

    @Option(
        help: ArgumentHelp(
            "Sign with the private key in this PEM file, for development; it is made if it does not exist.",
            valueName: "file"),
        completion: .file())
    var softwareKey: String?

    @OptionGroup(title: "Who attests") var attestation: AttestationOptions

    func run() async throws {
        var parsed: BuildNonce?
        if let nonce {
            parsed = BuildNonce(text: nonce)
            guard parsed != nil else { throw VerifyOptionError.nonce(nonce) }
        }
        guard let softwareKey else {
            guard attestation.attester != Platform.software.rawValue else { throw AttestOptionError.noKey }
            return try await LocalBuild(
                options: options, attester: .hardware, attestation: attestation.flags, nonce: parsed
            ).run()
        }
        let key = try SoftwareKey.loadOrCreate(at: softwareKey)
        Terminal.warn("kettle: the evidence is signed by software: no hardware vouches for this build")
        Terminal.warn("kettle: the software key has the fingerprint \(key.fingerprint)")
        try await LocalBuild(options: options, attester: .software(key), nonce: parsed).run()
    }
}

/// What is wrong with an option of `kettle attest`.
enum AttestOptionError: UserFacingError {
    case noKey

    var code: String { "attest.no_key" }
    var message: String { "software attests with a key, and none is named" }
    var hint: String? { "--software-key FILE names one, or makes it" }
}
