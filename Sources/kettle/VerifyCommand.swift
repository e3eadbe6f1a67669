import ArgumentParser
import Foundation
import KettleAttestation
import KettleError
import KettleProvenance
import KettleVerify

/// `kettle verify`: whether to believe a bundle. Opens no socket.
///
/// Exits 0 when the bundle is accepted, 1 when it is rejected, and 2 when that could not be found out.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that a bundle's artifacts, statement and evidence belong together.",
        discussion: """
            Every check runs, and each finding is printed. Exits 0 when the bundle is accepted, 1 when it is rejected, 2 when \
            that could not be found out.
            """)

    @Argument(help: "A folder, a .zip or a .tar.gz.", completion: .file())
    var bundle: String

    @Option(help: ArgumentHelp("The nonce that the evidence must have been made for.", valueName: "hex"))
    var nonce: String?

    @Option(
        help: ArgumentHelp(
            "A software key whose word you take: its public half as a PEM file, or its SHA-256 fingerprint. May be repeated.",
            valueName: "file or hex"))
    var softwareKey: [String] = []

    @Option(
        help: ArgumentHelp("A policy file: what a bundle has to be (docs/policy.md).", valueName: "file"),
        completion: .file())
    var policy: String?

    @Option(
        help: ArgumentHelp(
            "The repository or archive that must have been built: a URL, git+URL, archive:NAME, or one ending in /*.",
            valueName: "source"))
    var source: String?

    @Option(help: ArgumentHelp("The git commit that must have been built, in full.", valueName: "hex"))
    var commit: String?

    @Option(help: ArgumentHelp("The builder that must have built, by its id.", valueName: "uri"))
    var builder: String?

    @Option(help: ArgumentHelp("How old the build may be: 90s, 15m, 12h, 30d.", valueName: "time"))
    var maximumAge: String?

    @Option(
        help: ArgumentHelp(
            "The launch digest that the hardware must have measured. May be repeated.", valueName: "hex"))
    var measurement: [String] = []

    @Flag(help: "Accept hardware evidence of any measurement: any machine of that kind could have signed.")
    var anyMeasurement = false

    @Option(
        help: ArgumentHelp(
            "The time of verification (default: now), such as 2026-11-24T00:12:10Z.", valueName: "time"))
    var at: String?

    @Option(
        help: ArgumentHelp("Write the verdict as an SLSA verification summary, unsigned.", valueName: "file"),
        completion: .file())
    var vsa: String?

    @Flag(help: "Print the verdict as one JSON object.")
    var json = false

    func run() throws {
        let questions = try VerifyQuestions(self)
        let verdict: Verdict
        do {
            verdict = try questions.verifier.verify(at: bundle)
        } catch {
            verdict = Verdict(unread: error)
        }
        // Before the verdict is told: whoever reads it may look for the file.
        if let vsa { try write(verdict, questions, to: vsa) }
        if json {
            Terminal.say(verdict.json.canonicalString())
        } else {
            for finding in verdict.findings { Terminal.say(finding.text) }
            Terminal.say("\(verdict.outcome.rawValue): \(Finding.printable(bundle))")
        }
        switch verdict.outcome {
        case .accepted: return
        case .rejected: throw ExitCode(1)
        case .undetermined: throw ExitCode(2)
        }
    }

    private func write(_ verdict: Verdict, _ questions: VerifyQuestions, to path: String) throws(OutputError) {
        guard
            let summary = VerificationSummary(
                of: verdict, at: questions.time, policy: questions.descriptor)
        else {
            Terminal.warn("kettle: nothing was found out about an artifact, so no summary is written")
            return
        }
        try OutputFile.write(summary.encoded(), to: path)
    }
}

/// What `kettle verify` was asked, read from its options.
struct VerifyQuestions {
    private(set) var verifier = BundleVerifier()
    let time: Statement.Timestamp
    /// How a verification summary names what was asked.
    private(set) var descriptor: ResourceDescriptor

    init(_ command: VerifyCommand) throws {
        guard command.measurement.isEmpty || !command.anyMeasurement else {
            throw VerifyOptionError.contradiction("--measurement", "--any-measurement")
        }
        descriptor = Self.descriptor(of: command)
        time = try Self.time(command.at)
        verifier.time = time
        for text in command.softwareKey { verifier.softwareKeys.insert(try Self.fingerprint(text)) }
        if let nonce = command.nonce {
            guard let parsed = BuildNonce(text: nonce) else { throw VerifyOptionError.nonce(nonce) }
            verifier.nonce = parsed
        }
        try readExpectations(command)
        guard let path = command.policy else { return }
        let bytes = try Self.read(path)
        verifier.policy = try Policy(parsing: bytes)
        descriptor = ResourceDescriptor(
            uri: "https://kettle.build/policy/v1", digest: ["sha256": ContentDigest(of: bytes).hex])
    }

    private mutating func readExpectations(_ command: VerifyCommand) throws(VerifyOptionError) {
        if let commit = command.commit {
            let digits = commit.lowercased()
            guard [40, 64].contains(digits.utf8.count), [UInt8](hexadecimal: digits) != nil else {
                throw .commit(commit)
            }
            verifier.expected.commits = [digits]
        }
        if let source = command.source {
            guard let pattern = SourcePattern(text: source) else { throw .source(source) }
            verifier.expected.sources = [pattern]
        }
        if let builder = command.builder { verifier.expected.builders = [builder] }
        if let text = command.maximumAge {
            guard let seconds = Policy.seconds(text) else { throw .age(text) }
            verifier.expected.maximumAge = seconds
        }
        for text in command.measurement {
            guard let digest = Policy.measurement(text.lowercased()) else { throw .measurement(text) }
            verifier.expected.measurements = (verifier.expected.measurements ?? []) + [digest]
        }
    }

    private static func time(_ text: String?) throws(VerifyOptionError) -> Statement.Timestamp {
        guard let text else {
            return Statement.Timestamp(secondsSince1970: Int64(Date.now.timeIntervalSince1970))
        }
        guard let time = Statement.Timestamp(text: text) else { throw .time(text) }
        return time
    }

    /// The digest of the questions' canonical JSON stands for a policy where there is no file.
    private static func descriptor(of command: VerifyCommand) -> ResourceDescriptor {
        var asked: [String: JSONValue] = [:]
        asked["software_key"] =
            command.softwareKey.isEmpty ? nil : .array(command.softwareKey.sorted().map(JSONValue.string))
        asked["measurement"] =
            command.measurement.isEmpty ? nil : .array(command.measurement.sorted().map(JSONValue.string))
        for (name, value) in [
            ("nonce", command.nonce), ("source", command.source), ("commit", command.commit),
            ("builder", command.builder), ("maximum_age", command.maximumAge),
        ] {
            asked[name] = value.map(JSONValue.string)
        }
        return ResourceDescriptor(
            uri: "https://kettle.build/policy/options/v1",
            sha256: ContentDigest(of: JSONValue.object(asked).canonicalBytes()))
    }

    private static func read(_ path: String) throws(VerifyOptionError) -> [UInt8] {
        guard let file = FileHandle(forReadingAtPath: path),
            let bytes = try? file.read(upToCount: Policy.limitInBytes + 1)
        else { throw .policyUnreadable(path) }
        return Array(bytes)
    }

    /// A fingerprint as it is, or that of the public key in a file.
    private static func fingerprint(_ text: String) throws(VerifyOptionError) -> ContentDigest {
        if let fingerprint = ContentDigest(hex: text.lowercased()) { return fingerprint }
        guard let file = FileHandle(forReadingAtPath: text), let bytes = try? file.read(upToCount: 16 * 1024) else {
            throw .keyUnreadable(text)
        }
        guard let key = try? SoftwarePublicKey(pem: String(decoding: bytes, as: UTF8.self)) else {
            throw .keyMalformed(text)
        }
        return key.fingerprint
    }
}

/// What is wrong with an option of `kettle verify`. The paths in it are the caller's own words.
enum VerifyOptionError: UserFacingError, Equatable {
    case nonce(String)
    case commit(String)
    case source(String)
    case age(String)
    case time(String)
    case measurement(String)
    case contradiction(String, String)
    case policyUnreadable(String)
    case keyUnreadable(String)
    case keyMalformed(String)

    var code: String {
        switch self {
        case .nonce: "verify.nonce"
        case .commit: "verify.commit"
        case .source: "verify.source"
        case .age: "verify.age"
        case .time: "verify.time"
        case .measurement: "verify.measurement"
        case .contradiction: "verify.contradiction"
        case .policyUnreadable: "verify.policy_unreadable"
        case .keyUnreadable: "verify.key_unreadable"
        case .keyMalformed: "verify.key_malformed"
        }
    }

    var message: String {
        switch self {
        case .nonce(let text): "\"\(text)\" is not a nonce"
        case .commit(let text): "\"\(text)\" is not a full commit id"
        case .source(let text): "\"\(text)\" is neither a repository nor an archive"
        case .age(let text): "\"\(text)\" is not a time that a build could be old"
        case .time(let text): "\"\(text)\" is not a time"
        case .measurement(let text): "\"\(text)\" is not a launch digest"
        case .contradiction(let one, let other): "\(one) and \(other) contradict each other"
        case .policyUnreadable(let path): "the policy \"\(path)\" cannot be read"
        case .keyUnreadable(let path): "the software key \"\(path)\" cannot be read"
        case .keyMalformed(let path): "\"\(path)\" holds no P-256 public key in PEM"
        }
    }

    var hint: String? {
        switch self {
        case .nonce: "a nonce is 32 hexadecimal digits, dashes allowed"
        case .commit: "a commit id is 40 or 64 hexadecimal digits; git rev-parse shows it"
        case .source: "name git+https://…, archive:…, or one of them ending in /*"
        case .age: "give a number and s, m, h or d, such as 30d"
        case .time: "write it in UTC, such as 2026-11-24T00:12:10Z"
        case .measurement: "a launch digest is 96 hexadecimal digits"
        case .contradiction: "leave one of them out"
        case .policyUnreadable: "kettle policy init BUNDLE writes one"
        case .keyUnreadable: "give the public key's PEM file, or its fingerprint as 64 hexadecimal digits"
        case .keyMalformed: "the service keeps the public half beside its key, as software-key.pub.pem"
        }
    }
}
