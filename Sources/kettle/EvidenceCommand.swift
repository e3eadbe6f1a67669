import ArgumentParser
import KettleAttestation
import KettleError
import KettleProvenance
import KettleVerify

/// `kettle evidence`: whether evidence is genuine, without a bundle around it. Opens no socket.
///
/// Exits 0 when it is valid, 1 when it is refused, and 2 when that could not be found out.
struct EvidenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Check evidence alone: who signed it, and what was measured.",
        discussion: """
            Measurement and report data are checked only where they are given: without them, valid evidence shows that some \
            machine of its kind signed something. Exits 0 when it is valid, 1 when it is refused, 2 when that could not be \
            found out.
            """)

    @Argument(help: "The evidence: an evidence.json, such as the one in a bundle.", completion: .file())
    var evidence: String?

    @Option(
        help: ArgumentHelp(
            "The time of verification, such as 2026-11-24T00:12:10Z. (default: now)", valueName: "time"))
    var at: String?

    @Option(help: ArgumentHelp("What must have been signed along; zeros may follow it.", valueName: "hex"))
    var reportData: String?

    @Option(
        help: ArgumentHelp(
            "A software key whose word you take: its public half as a PEM file, or its SHA-256 fingerprint. May be repeated.",
            valueName: "file or hex"))
    var softwareKey: [String] = []

    @OptionGroup(title: "What the hardware has to say") var hardware: HardwareOptions

    @Flag(help: "Print the verdict as one JSON object: valid, reason, detail, facts.")
    var json = false

    mutating func validate() throws {
        evidence = evidence ?? hardware.takePath()
        guard evidence != nil else { throw ValidationError("Missing expected argument '<evidence>'") }
    }

    func run() throws {
        let questions = try EvidenceQuestions(self)
        let path = evidence ?? ""
        guard let bytes = InputFile.read(path, limitInBytes: Evidence.limitInBytes) else {
            throw VerifyOptionError.evidenceUnreadable(path)
        }
        let answer = questions.answer(bytes)
        if json {
            Terminal.say(answer.json.canonicalString())
        } else {
            answer.tell()
        }
        if answer.reason != nil { throw ExitCode(1) }
    }
}

extension EvidenceCommand {
    /// Reads a plain command line; nil for one that ArgumentParser has to read. Each option has to be here.
    static func plain(_ arguments: [String]) -> EvidenceCommand? {
        var line = PlainArguments(arguments)
        var command = EvidenceCommand()
        command.at = line.option("--at")
        command.reportData = line.option("--report-data")
        command.softwareKey = line.options("--software-key")
        command.hardware = HardwareOptions.plain(&line)
        command.json = line.flag("--json")
        command.evidence = line.argument()
        guard line.isUsedUp, (try? command.validate()) != nil else { return nil }
        return command
    }
}

/// What `kettle evidence` was asked, read from its options.
struct EvidenceQuestions {
    private let time: Statement.Timestamp
    private let roots: TrustRoots
    /// Collateral that is not whole refuses evidence rather than the command.
    private let collateral: Collateral?
    private let collateralFault: EvidenceFileError?
    private let policy: HardwarePolicy
    private let reportData: [UInt8]?
    private let softwareKeys: Set<ContentDigest>

    init(_ command: EvidenceCommand) throws {
        time = try VerifyQuestions.time(command.at)
        roots = try command.hardware.readRoots()
        do {
            collateral = try command.hardware.readCollateral()
            collateralFault = nil
        } catch {
            guard case .unusable = error else { throw error }
            (collateral, collateralFault) = (nil, error)
        }
        policy = try command.hardware.policy()
        if let text = command.reportData {
            guard let bytes = [UInt8](hexadecimal: text.lowercased()) else { throw VerifyOptionError.reportData(text) }
            reportData = bytes
        } else {
            reportData = nil
        }
        softwareKeys = Set(try command.softwareKey.map(VerifyQuestions.fingerprint))
    }

    /// What came of it: the first reason against the evidence, or the facts in it.
    struct Answer {
        var reason: String?
        var detail: String?
        var facts: JSONValue = .null
        /// What was not looked at.
        var unchecked: [String] = []

        var json: JSONValue {
            [
                "valid": .bool(reason == nil), "reason": reason.map(JSONValue.string) ?? .null,
                "detail": detail.map(JSONValue.string) ?? .null, "facts": facts,
            ]
        }

        func tell() {
            if let reason {
                Terminal.say("refused: \(reason): \(Finding.printable(detail ?? ""))")
                return
            }
            for (name, value) in (facts.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                let padding = String(repeating: " ", count: max(1, 25 - name.count))
                Terminal.say("\(name)\(padding)\(Finding.printable(value.stringValue ?? value.canonicalString()))")
            }
            for note in unchecked { Terminal.say("not checked: \(note)") }
            Terminal.say("valid")
        }
    }

    func answer(_ bytes: [UInt8]) -> Answer {
        do {
            let evidence = try Evidence(parsing: bytes)
            return evidence.platform == .software ? try software(evidence) : try hardware(evidence)
        } catch let error as EvidenceError {
            return Self.refused(error)
        } catch let error as any UserFacingError {
            return Answer(reason: error.code, detail: error.message)
        } catch {
            return Answer(reason: EvidenceError.Reason.format.rawValue, detail: "the evidence cannot be read")
        }
    }

    private static func refused(_ error: EvidenceError) -> Answer {
        var detail = error.message
        if let expected = error.expected { detail += "; expected: \(expected)" }
        if let actual = error.actual { detail += "; actual: \(actual)" }
        return Answer(reason: error.code, detail: detail)
    }

    private func hardware(_ evidence: Evidence) throws -> Answer {
        if let collateralFault { throw collateralFault }
        let verified = try EvidenceVerifier(roots: roots, collateral: collateral).verify(evidence, at: time)
        if let reportData, !verified.binds(reportData) {
            return Answer(
                reason: EvidenceError.Reason.binding.rawValue,
                detail: "other data were signed along; expected: \(reportData.hexadecimal); "
                    + "actual: \(verified.signedData.hexadecimal)")
        }
        var policy = policy
        // Here they are the states that would do, and not a question: a list of them goes with evidence of any hardware.
        if verified.tdxQuote == nil { policy.tcbStatuses = nil }
        if let reason = policy.reasons(against: verified).first { return Self.refused(reason) }
        var unchecked: [String] = []
        if reportData == nil { unchecked.append("what was signed along (--report-data)") }
        if policy.launchDigests == nil { unchecked.append("what was started (--measurement)") }
        if !verified.isRevocationChecked {
            unchecked.append("revocation\(verified.tdxQuote == nil ? "" : " and the firmware's state") (--collateral)")
        }
        return Answer(facts: verified.facts, unchecked: unchecked)
    }

    /// A key in a file shows who signed, so it counts only where the caller knows the key.
    private func software(_ evidence: Evidence) throws -> Answer {
        let verified = try SoftwareEvidence(evidence).verified()
        let fingerprint = verified.publicKey.fingerprint
        guard softwareKeys.contains(fingerprint) else {
            return Answer(
                reason: "software_key.unnamed",
                detail: "the software key \(fingerprint) signed it, which --software-key does not name")
        }
        let signed = verified.reportData.bytes
        if let reportData,
            !(signed.starts(with: reportData) && signed.dropFirst(reportData.count).allSatisfy { $0 == 0 })
        {
            return Answer(
                reason: EvidenceError.Reason.binding.rawValue,
                detail: "other data were signed along; actual: \(signed.hexadecimal)")
        }
        guard policy == HardwarePolicy() else {
            return Answer(
                reason: EvidenceError.Reason.launchDigest.rawValue,
                detail: "software evidence measures nothing, and says nothing of a guest or its firmware")
        }
        return Answer(
            facts: [
                "platform": .string(evidence.platformName), "software_key": .string(fingerprint.hex),
                "signed_data": .string(signed.hexadecimal),
            ])
    }
}
