import Foundation
import KettleAttestation
import KettleProvenance
import KettleVerify

/// What `kettle verify` was asked, read from its options.
struct VerifyQuestions {
    private(set) var verifier = BundleVerifier()
    let time: Statement.Timestamp
    /// The policy file's bytes, nil where there was none.
    private var policyFile: [UInt8]?
    /// Whether trust begins elsewhere than with the chip makers.
    private var hasOtherRoots = false
    /// SHA-256 of the lists of images.
    private var lists: [ContentDigest] = []

    init(_ command: VerifyCommand) throws {
        guard command.hardware.measurement.isEmpty || !command.images.anyMeasurement else {
            throw VerifyOptionError.contradiction("--measurement", "--any-measurement")
        }
        guard command.images.measurements.isEmpty || !command.images.anyMeasurement else {
            throw VerifyOptionError.contradiction("--measurements", "--any-measurement")
        }
        verifier.judgesAtBuildTime = command.at == "build"
        time = try Self.time(verifier.judgesAtBuildTime ? nil : command.at)
        verifier.time = time
        for text in command.softwareKey { verifier.softwareKeys.insert(try Self.fingerprint(text)) }
        try ask(.nonce, command.nonce, else: VerifyOptionError.nonce)
        try ask(.commit, command.commit, else: VerifyOptionError.commit)
        try ask(.source, command.source, else: VerifyOptionError.source)
        try ask(.builder, command.builder, else: VerifyOptionError.builder)
        try ask(.maximumAge, command.maximumAge, else: VerifyOptionError.age)
        verifier.acceptsAnyMeasurement = command.images.anyMeasurement
        verifier.leavesArtifactsOut = command.withoutArtifacts
        verifier.hardware = try command.hardware.policy()
        verifier.roots = try command.hardware.readRoots()
        verifier.collateral = try command.hardware.readCollateral()
        hasOtherRoots = command.hardware.trustRoots != nil
        if let path = command.policy { try readPolicy(path) }
        if command.images.anyMeasurement, verifier.policy?.hardware.launchDigests != nil {
            throw VerifyOptionError.contradiction("--any-measurement", "measurements in the policy")
        }
        try readReferences(command)
    }

    private mutating func readPolicy(_ path: String) throws(VerifyOptionError) {
        guard let bytes = InputFile.read(path, limitInBytes: Policy.limitInBytes) else { throw .policyUnreadable(path) }
        do {
            verifier.policy = try Policy(parsing: bytes)
        } catch {
            throw .policy(path: path, error)
        }
        policyFile = bytes
    }

    private mutating func ask(
        _ question: BundleQuestion, _ text: String?, else error: (String) -> VerifyOptionError
    ) throws(VerifyOptionError) {
        guard let text, !verifier.ask(question, text) else { return }
        throw error(text)
    }

    private mutating func readReferences(_ command: VerifyCommand) throws {
        var keys = verifier.policy?.measurementKeys ?? []
        for text in command.images.measurementsKey { keys.insert(try Self.fingerprint(text)) }
        for path in command.images.measurements {
            guard let bytes = InputFile.read(path, limitInBytes: ReferenceValues.limitInBytes) else {
                throw VerifyOptionError.listUnreadable(path)
            }
            verifier.references += try ReferenceValues(parsing: bytes, signedBy: keys).values
            lists.append(ContentDigest(of: bytes))
        }
        guard command.images.measurements.isEmpty, !command.images.measurementsKey.isEmpty else { return }
        throw VerifyOptionError.noList
    }

    static func time(_ text: String?) throws(VerifyOptionError) -> Statement.Timestamp {
        guard let text else { return .now }
        guard let time = Statement.Timestamp(text: text) else { throw .time(text) }
        return time
    }

    /// How a verification summary names what was asked (`docs/verifying.md`): a policy file that was all by its own digest, anything
    /// else by that of the questions' canonical JSON.
    var descriptor: ResourceDescriptor {
        var questions = options
        if let policyFile {
            let digest = ContentDigest(of: policyFile)
            guard !questions.isEmpty else {
                return ResourceDescriptor(uri: "https://kettle.build/policy/v1", sha256: digest)
            }
            questions["policy"] = .string(digest.hex)
        }
        return ResourceDescriptor(
            uri: "https://kettle.build/policy/options/v1",
            sha256: ContentDigest(of: JSONValue.object(questions).canonicalBytes()))
    }

    /// What was asked beside the policy file, as it was understood: a key is its fingerprint, whatever file it came from.
    private var options: [String: JSONValue] {
        let expected = verifier.expected
        var options: [String: JSONValue] = [:]
        func list(_ name: String, _ texts: [String]) {
            if !texts.isEmpty { options[name] = .array(texts.sorted().map(JSONValue.string)) }
        }
        list("software_keys", verifier.softwareKeys.map(\.hex))
        list("builders", expected.builders ?? [])
        list("sources", expected.sources?.map(\.text) ?? [])
        list("commits", expected.commits ?? [])
        let hardware = verifier.hardware
        list("measurements", hardware.launchDigests?.map(\.hexadecimal) ?? [])
        list("measurement_lists", lists.map(\.hex))
        list("host_data", hardware.hostData?.map(\.hexadecimal) ?? [])
        list(
            "pcrs", hardware.pcrs.flatMap { number, values in values.map { "\(number)=\($0.hexadecimal)" } })
        list("minimum_tcb", hardware.minimumTCB.map { "\($0.key.rawValue)=\($0.value)" })
        list("tcb_statuses", hardware.tcbStatuses?.map(\.rawValue) ?? [])
        list(
            "rtmrs", hardware.rtmrs.flatMap { number, values in values.map { "\(number)=\($0.hexadecimal)" } })
        list("vmpls", hardware.vmpls?.map(String.init) ?? [])
        options["collateral"] = verifier.collateral.map { .string($0.digest.hex) }
        if hardware.allowsDebug { options["allow_debug"] = true }
        if hardware.allowsMigration { options["allow_migration"] = true }
        if !hardware.allowsMultithreading { options["allow_smt"] = false }
        if verifier.judgesAtBuildTime { options["at"] = "build" }
        if verifier.leavesArtifactsOut { options["without_artifacts"] = true }
        if hasOtherRoots { options["trust_roots"] = .string(verifier.roots.digest.hex) }
        options["maximum_age"] = expected.maximumAge.map { .string("\($0)s") }
        options["nonce"] = verifier.nonce.map { .string($0.hex) }
        if verifier.acceptsAnyMeasurement { options["any_measurement"] = true }
        return options
    }

    /// A fingerprint as it is, or that of the public key in a file.
    static func fingerprint(_ text: String) throws(VerifyOptionError) -> ContentDigest {
        if let fingerprint = ContentDigest(hex: text.lowercased()) { return fingerprint }
        guard let bytes = InputFile.read(text, limitInBytes: 16 * 1024) else { throw .keyUnreadable(text) }
        guard let key = try? SoftwarePublicKey(pem: String(decoding: bytes, as: UTF8.self)) else {
            throw .keyMalformed(text)
        }
        return key.fingerprint
    }
}
