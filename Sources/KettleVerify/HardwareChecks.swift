import KettleAttestation
import KettleProvenance

/// Whether hardware's evidence is genuine, when, and whether what the hardware measured is what was asked for.
///
/// Collateral that comes in the bundle is Intel's and AMD's word of the build's time. Whoever forges a bundle can leave it out,
/// so that it is old is no worse than that it is missing: the evidence is then judged now without it, and then with it.
struct HardwareChecks {
    let evidence: Evidence
    /// The files of the bundle's `collateral/`, by name.
    let files: [String: [UInt8]]
    /// What the statement says of itself; nil when it cannot be read, which is a finding of its own, and for evidence that has none.
    let claims: Claims?
    let verifier: BundleVerifier

    func run(_ findings: inout [Finding]) -> EvidenceChecks.Result {
        var result = EvidenceChecks.Result()
        guard let time = time(&findings) else { return result }
        let verified: VerifiedHardwareEvidence
        do {
            verified = try verify(at: time, &findings)
        } catch {
            findings.append(Finding(error))
            noteBuildTime(error, &findings)
            noteUnanswered(&findings)
            return result
        }
        let window = verified.window
        findings.append(
            Finding(
                .passed, "evidence.signature",
                "the evidence is genuine at \(time), and from \(window.first) to \(window.last): \(Self.text(verified))"
            ))
        if !verified.isRevocationChecked {
            findings.append(
                Finding(
                    .notChecked, "collateral.none",
                    "nothing tells what is revoked\(verified.tdxQuote == nil ? "" : " or how old the firmware is") "
                        + "at \(time); --collateral names what does"))
        }
        result.signed = verified.signedData
        result.hardware = verified
        result.time = time
        result.isAccepted = appraise(verified, &findings)
        return result
    }

    /// When the evidence has to be genuine.
    private func time(_ findings: inout [Finding]) -> Statement.Timestamp? {
        if verifier.judgesAtBuildTime {
            guard let time = claims?.finishedOn else {
                findings.append(
                    Finding(.undetermined, "evidence.time", "the statement does not tell when the build ended"))
                return nil
            }
            return time
        }
        guard let time = verifier.time else {
            findings.append(
                Finding(.undetermined, "evidence.time", "without a time of verification no certificate is valid"))
            return nil
        }
        return time
    }

    // MARK: - Genuine

    private func verify(
        at time: Statement.Timestamp, _ findings: inout [Finding]
    ) throws(EvidenceError) -> VerifiedHardwareEvidence {
        let own = EvidenceVerifier(roots: verifier.roots, collateral: verifier.collateral)
        guard verifier.collateral == nil, !files.isEmpty else { return try own.verify(evidence, at: time) }
        let collateral = EvidenceVerifier(roots: verifier.roots, collateral: try Collateral(files: files))
        do {
            return try collateral.verify(evidence, at: time)
        } catch  where error.reason == .collateralExpired {
            let now = try own.verify(evidence, at: time)
            guard let built = claims?.finishedOn else {
                throw EvidenceError(
                    .collateralExpired, "the bundle's collateral is not of \(time), and the build's time is not known")
            }
            let then = try collateral.verify(evidence, at: built)
            if let reason = policy.reasons(against: then).first(where: { $0.reason == .tcbStatus }) { throw reason }
            findings.append(
                Finding(
                    .passed, "evidence.then",
                    "when the statement says that the build ended, \(built), \(Self.state(then))"))
            return now
        }
    }

    /// What time alone stands in the way of may have been right once. Whether that is enough is not for us to say.
    private func noteBuildTime(_ error: EvidenceError, _ findings: inout [Finding]) {
        guard error.isAboutTime, !verifier.judgesAtBuildTime, let built = claims?.finishedOn else { return }
        let collateral = verifier.collateral ?? (files.isEmpty ? nil : try? Collateral(files: files))
        let then = EvidenceVerifier(roots: verifier.roots, collateral: collateral)
        guard let verified = try? then.verify(evidence, at: built) else { return }
        findings.append(
            Finding(
                .notChecked, "evidence.then",
                "at \(built), when the statement says that the build ended, the evidence was genuine; --at build judges it then",
                expected: "from \(verified.window.first) to \(verified.window.last)", actual: error.actual))
    }

    /// What was asked of evidence that is not genuine has no answer.
    private func noteUnanswered(_ findings: inout [Finding]) {
        let isAsked = [verifier.hardware, verifier.policy?.hardware].contains { $0 != nil && $0 != HardwarePolicy() }
        guard isAsked || !verifier.references.isEmpty else { return }
        findings.append(
            Finding(
                .undetermined, "measurement.unknown",
                "without genuine evidence there is no measurement, and nothing else that was asked of the hardware"))
    }

    private static func state(_ verified: VerifiedHardwareEvidence) -> String {
        guard let tcb = verified.tdxTCB else { return "nothing in the chain was revoked" }
        let advisories = tcb.advisories.isEmpty ? "" : " (\(tcb.advisories.joined(separator: ", ")))"
        return "the platform was \(tcb.status.rawValue)\(advisories) and nothing in the chain was revoked"
    }

    private static func text(_ verified: VerifiedHardwareEvidence) -> String {
        var words = [verified.platformName]
        if let report = verified.snpReport {
            words.append("report version \(report.version), \(report.signingKey.rawValue), VMPL \(report.vmpl)")
            if let tcb = verified.snpTCB { words.append(tcb.text) }
        }
        if let quote = verified.tdxQuote {
            words.append("quote version \(quote.version)")
            words.append(verified.tdxTCB.map { "firmware \($0.status.rawValue)" } ?? "firmware of unknown state")
        }
        return words.joined(separator: "; ")
    }

    // MARK: - Asked for

    /// What may be, by whoever allows it; what has to be is asked by each asker on their own.
    private var policy: HardwarePolicy {
        var policy = verifier.hardware
        if let other = verifier.policy?.hardware {
            policy.allowsDebug = policy.allowsDebug || other.allowsDebug
            policy.allowsMigration = policy.allowsMigration || other.allowsMigration
            policy.allowsMultithreading = policy.allowsMultithreading && other.allowsMultithreading
            policy.vmpls = Self.both(policy.vmpls, other.vmpls)
            policy.tcbStatuses = Self.both(policy.tcbStatuses, other.tcbStatuses)
        }
        return policy
    }

    /// What both accept, where both ask.
    private static func both<Element>(_ one: Set<Element>?, _ other: Set<Element>?) -> Set<Element>? {
        guard let one else { return other }
        return other.map(one.intersection) ?? one
    }

    private func appraise(_ verified: VerifiedHardwareEvidence, _ findings: inout [Finding]) -> Bool {
        var reasons = policy.reasons(against: verified)
        if let other = verifier.policy?.hardware {
            // Only what it demands: what it allows is in `policy`.
            var demands = policy
            demands.launchDigests = other.launchDigests
            demands.pcrs = other.pcrs
            demands.rtmrs = other.rtmrs
            demands.hostData = other.hostData
            demands.minimumTCB = other.minimumTCB
            for reason in demands.reasons(against: verified) where !reasons.contains(reason) { reasons.append(reason) }
        }
        findings += reasons.map(Finding.init)
        if !reasons.contains(where: { $0.reason == .debug }) {
            let isDebug = verified.snpReport?.policy.allowsDebug ?? verified.tdxQuote?.body.isDebug ?? true
            findings.append(
                isDebug
                    ? Finding(
                        .notChecked, "policy.debug", "the guest can be debugged, which is accepted here",
                        actual: "its host can read and change it")
                    : Finding(.passed, "policy.debug", "the guest cannot be debugged"))
        }
        let measured = checkMeasurement(verified, reasons, &findings)
        return reasons.isEmpty && measured
    }

    /// Whether somebody vouches for what was started. Without that, whoever rents such a machine can sign anything.
    private func checkMeasurement(
        _ verified: VerifiedHardwareEvidence, _ reasons: [EvidenceError], _ findings: inout [Finding]
    ) -> Bool {
        let actual = verified.launchDigest.hexadecimal
        var isVouched =
            verifier.hardware.launchDigests != nil || verifier.policy?.hardware.launchDigests != nil
        if isVouched, !reasons.contains(where: { $0.reason == .launchDigest }) {
            findings.append(
                Finding(
                    .passed, "policy.launch_digest", "the hardware measured an image that is wanted", actual: actual))
        }
        var listed: ReferenceValue?
        if !verifier.references.isEmpty {
            let check = ReferenceChecks(values: verifier.references, claims: claims)
            let finding: Finding
            (finding, listed) = check.result(for: verified)
            findings.append(finding)
            isVouched = true
            if listed == nil { return false }
        }
        guard isVouched else {
            if verifier.acceptsAnyMeasurement {
                findings.append(
                    Finding(
                        .notChecked, "measurement.any", "any measurement will do: some machine of its kind signed",
                        actual: actual))
                return true
            }
            findings.append(
                Finding(
                    .failed, "measurement.unvouched",
                    "nothing vouches for what the hardware measured: anyone's machine of its kind could have signed. "
                        + "--measurement names a launch digest that you trust",
                    expected: "a measurement from the builder", actual: actual))
            return false
        }
        return checkRegisters(verified, listed, &findings)
    }

    /// What the launch digest does not cover. On Azure it is that of Microsoft's paravisor, the same for every renter: on a command
    /// line that is said, and a policy that leaves it at that vouches for nobody.
    private func checkRegisters(
        _ verified: VerifiedHardwareEvidence, _ listed: ReferenceValue?, _ findings: inout [Finding]
    ) -> Bool {
        let asked = [verifier.hardware, verifier.policy?.hardware].compactMap { $0 }
        if verified.pcrs != nil, asked.allSatisfy(\.pcrs.isEmpty), listed?.pcrs.isEmpty ?? true {
            let byPolicy = verifier.hardware.launchDigests == nil && verifier.policy?.hardware.launchDigests != nil
            findings.append(
                Finding(
                    byPolicy ? .failed : .notChecked, "measurement.pcrs",
                    "the launch digest is of the cloud's paravisor, which every renter's machine has; what runs above it shows in the "
                        + "vTPM's registers, which nobody asked for (--pcr, pcrs in the policy)",
                    actual: verified.launchDigest.hexadecimal))
            if byPolicy { return false }
        }
        if verified.pcrs == nil, let quote = verified.tdxQuote, asked.allSatisfy(\.rtmrs.isEmpty),
            listed?.rtmrs.isEmpty ?? true
        {
            findings.append(
                Finding(
                    .notChecked, "measurement.rtmrs",
                    "the launch digest is of the firmware that was started; what it started shows in RTMR0 to RTMR3, which nobody "
                        + "asked for (--rtmr)",
                    actual: quote.body.rtmr.map(\.hexadecimal).joined(separator: " ")))
        }
        return true
    }
}

extension Finding {
    /// The finding that a reason against evidence is.
    init(_ error: EvidenceError) {
        self.init(.failed, error.code, error.message, expected: error.expected, actual: error.actual)
    }
}

/// What a statement says of itself, whichever form it has.
struct Claims {
    let builderID: String
    let buildType: String
    /// `git+…@ref` or `archive:…`.
    let source: String
    /// What was asked for of a repository, `HEAD` where nothing was; nil where the source is none or nobody knows.
    let ref: String?
    /// The ref that the source's `…@ref` ends in, where one was asked for.
    let requestedRef: String?
    let commit: String?
    let finishedOn: Statement.Timestamp?
    /// The version of Kettle that built, as it names itself.
    let kettleVersion: String?
    /// The URIs of the inputs.
    let inputs: [String]
    /// Whether the original Kettle wrote it: all its inputs are packages then, and repeat their digest as `checksum`.
    var isOriginal = false

    /// The inputs that are packages. Read when they are asked for: there may be ten thousand, and most verdicts need none.
    var packages: [PackageURL] {
        inputs.compactMap { uri in
            guard var package = PackageURL(parsing: uri) else { return nil }
            // It does not tell where a package is from.
            if isOriginal { package.qualifiers["checksum"] = nil }
            return package
        }
    }

    /// Inputs that should be packages and whose names nobody can compare. Ours are held to their spelling elsewhere.
    var unreadablePackages: [String] { isOriginal ? inputs.filter { PackageURL(parsing: $0) == nil } : [] }
}

extension Claims {
    init(_ statement: Statement) {
        let source = statement.externalParameters["source"] ?? ""
        self.init(
            builderID: statement.builderID, buildType: statement.buildType, source: source,
            ref: source.hasPrefix("git+") ? statement.externalParameters["ref"] ?? "HEAD" : nil,
            requestedRef: statement.externalParameters["ref"],
            commit: statement.resolvedDependencies.first?.digest["gitCommit"], finishedOn: statement.finishedOn,
            kettleVersion: statement.internalParameters["kettle"]?["version"]?.stringValue,
            inputs: statement.resolvedDependencies.compactMap(\.uri))
    }
}
