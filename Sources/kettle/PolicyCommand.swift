import ArgumentParser
import KettleAttestation
import KettleError
import KettleProvenance
import KettleVerify

/// `kettle policy`: what bundles have to be.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Write what kettle verify asks of bundles.",
        subcommands: [PolicyInitCommand.self, PolicySignListCommand.self])
}

/// `kettle policy init`: a policy that accepts builds like one.
struct PolicyInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a policy that accepts builds like the one in a bundle.",
        discussion: """
            The policy is made of what the bundle claims: verify the bundle, and read the policy, before you rely on it. Exits \
            0, or 2 when the bundle cannot be read.
            """)

    @Argument(help: "The bundle: a folder, a .zip or a .tar.gz.", completion: .file())
    var bundle: String

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Where the policy goes. (default: standard output)", valueName: "file"),
        completion: .file())
    var output: String?

    func run() throws {
        let bundle = try UnverifiedBundle(at: bundle)
        guard !bundle.isOriginal else { throw OriginalBundleError.draft }
        let draft = try Policy.draft(for: bundle)
        Terminal.warn("kettle: these are claims, and nothing is checked; kettle verify does that")
        if let output {
            try OutputFile.write(Array(draft.utf8), to: output)
        } else {
            Terminal.say(String(draft.dropLast()))
        }
    }
}

/// `kettle policy sign-list`: a list of images on the word of a key.
struct PolicySignListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign-list",
        abstract: "Sign a list of the images that may build, for kettle verify --measurements-key.",
        discussion: "Exits 0, or 2 when the list or the key cannot be used. docs/policy.md has the list's form.")

    @Argument(help: "The list of images.", completion: .file())
    var list: String

    @Option(
        help: ArgumentHelp(
            "The private key to sign with, a PEM file; it is made if it does not exist.", valueName: "file"),
        completion: .file())
    var key: String

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Where the signed list goes. (default: standard output)", valueName: "file"),
        completion: .file())
    var output: String?

    func run() throws {
        guard let bytes = InputFile.read(list, limitInBytes: ReferenceValues.limitInBytes) else {
            throw VerifyOptionError.listUnreadable(list)
        }
        let key = try SoftwareKey.loadOrCreate(at: key)
        let signed = try ReferenceValues.sign(bytes, with: key)
        Terminal.warn("kettle: signed by the key with the fingerprint \(key.fingerprint)")
        if let output {
            try OutputFile.write(signed, to: output)
        } else {
            Terminal.say(String(decoding: signed, as: UTF8.self))
        }
    }
}
