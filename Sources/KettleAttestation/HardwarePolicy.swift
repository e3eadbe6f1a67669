import KettleProvenance

/// What hardware evidence has to say beside being genuine.
///
/// The initial value refuses what lets someone else than the guest's owner into the guest, and asks nothing of what was
/// started: whoever rents such a machine can have anything signed, so set ``launchDigests``.
public struct HardwarePolicy: Hashable, Sendable {
    /// The launch digests that may have been measured, 48 bytes each; nil accepts any.
    public var launchDigests: Set<[UInt8]>?
    /// The values that registers of a vTPM may have, 32 bytes each, by number. Asked for, evidence without a vTPM fails.
    public var pcrs: [Int: Set<[UInt8]>] = [:]
    /// The values that RTMR0 to RTMR3 of TDX may have, 48 bytes each, by number: what the firmware and the guest measured after the
    /// launch digest, such as the kernel. Asked for, evidence of SEV-SNP fails.
    public var rtmrs: [Int: Set<[UInt8]>] = [:]
    /// The values that HOST_DATA (SNP, 32 bytes) or MRCONFIGID (TDX, 48 bytes) may have; nil accepts any.
    public var hostData: Set<[UInt8]>?
    /// Whether the host may look into the guest.
    public var allowsDebug = false
    /// Whether the guest may be handed to a migration agent or guest, and so to another machine.
    public var allowsMigration = false
    /// Whether the guest may share a core's threads with others.
    public var allowsMultithreading = true
    /// The privilege levels that may have asked for a report; nil for 0 alone. Behind a vTPM only 0 will do, which is the paravisor.
    public var vmpls: Set<UInt32>?
    /// The states of a TDX platform that are accepted: nil accepts ``TCBStatus/accepted``, and a platform whose state nothing
    /// tells. ``TCBStatus/revoked`` never is.
    public var tcbStatuses: Set<TCBStatus>?
    /// The lowest versions of SEV-SNP's firmware, by part.
    public var minimumTCB: [SNPTCB.Part: UInt8] = [:]

    public init() {}

    /// Every reason not to accept `evidence`; empty when there is none.
    ///
    /// - Parameter evidence: Genuine evidence.
    public func reasons(against evidence: VerifiedHardwareEvidence) -> [EvidenceError] {
        var reasons: [EvidenceError] = []
        switch evidence.hardware {
        case .snp(let verified): appraise(verified, hasVTPM: evidence.vtpm != nil, &reasons)
        case .tdx(let verified): appraise(verified, &reasons)
        }
        appraiseIdentity(evidence, &reasons)
        return reasons
    }

    private func appraise(_ verified: VerifiedSNPReport, hasVTPM: Bool, _ reasons: inout [EvidenceError]) {
        let report = verified.report
        if report.policy.allowsDebug && !allowsDebug { reasons.append(.debug) }
        if report.policy.allowsMigration && !allowsMigration {
            reasons.append(EvidenceError(.migration, "the guest may be handed to a migration agent"))
        }
        if report.policy.allowsMultithreading && !allowsMultithreading {
            reasons.append(EvidenceError(.multithreading, "the guest may share a core's threads with others"))
        }
        // A guest above the paravisor could vouch for an attestation key of its own making.
        let isAllowed = vmpls?.contains(report.vmpl) ?? (report.vmpl == 0)
        if !isAllowed || hasVTPM && report.vmpl != 0 {
            let levels = hasVTPM ? (vmpls ?? [0]).intersection([0]) : vmpls ?? [0]
            reasons.append(
                EvidenceError(
                    .vmpl, "the report was asked for at another privilege level",
                    expected: "VMPL " + levels.sorted().map(String.init).joined(separator: " or "),
                    actual: "VMPL \(report.vmpl)"))
        }
        if let tcbStatuses {
            reasons.append(
                EvidenceError(
                    .tcbStatus, "SEV-SNP's firmware has versions, and no state that could be one of these",
                    expected: tcbStatuses.map(\.rawValue).sorted().joined(separator: " or "), actual: "SEV-SNP"))
        }
        let behind = minimumTCB.isEmpty ? [:] : verified.tcb.shortfall(below: minimumTCB)
        if !behind.isEmpty {
            let parts = behind.sorted { $0.key < $1.key }.map { part, count in
                verified.tcb[part] == nil
                    ? "\(part.rawValue) is missing" : "\(part.rawValue) lies \(count) behind"
            }
            let floor = SNPTCB(versions: minimumTCB)
            reasons.append(
                EvidenceError(
                    .minimumTCB, "the firmware is older than wanted: \(parts.joined(separator: ", "))",
                    expected: "at least \(floor.text)", actual: verified.tcb.text))
        }
    }

    private func appraise(_ verified: VerifiedTDXQuote, _ reasons: inout [EvidenceError]) {
        let body = verified.quote.body
        if body.isDebug && !allowsDebug { reasons.append(.debug) }
        if (body.attributes.first ?? 0) & 0xFE != 0 {
            reasons.append(
                EvidenceError(
                    .attributes, "attributes of the guest that make it untrusted are set",
                    expected: "bits 7 to 1 of TDATTRIBUTES zero", actual: body.attributes.hexadecimal))
        }
        if body.isMigratable && !allowsMigration {
            reasons.append(
                EvidenceError(
                    .migration, "the guest may be taken elsewhere by a migration guest of its host's choice",
                    expected: "bit 29 of TDATTRIBUTES zero", actual: body.attributes.hexadecimal))
        }
        if !minimumTCB.isEmpty {
            reasons.append(
                EvidenceError(
                    .minimumTCB, "TDX's firmware has no versions of these parts; Intel's TCB status speaks for it",
                    expected: "at least \(SNPTCB(versions: minimumTCB).text)", actual: "TDX"))
        }
        var expected: String {
            (tcbStatuses ?? TCBStatus.accepted).map(\.rawValue).sorted().joined(separator: " or ")
        }
        if verified.tcb == nil, tcbStatuses != nil {
            reasons.append(
                EvidenceError(
                    .tcbStatus, "there is no collateral that would tell the state of the platform's firmware",
                    expected: expected, actual: "unknown"))
        }
        func accepts(_ status: TCBStatus) -> Bool {
            status != .revoked && (tcbStatuses?.contains(status) ?? status.isAcceptedByDefault)
        }
        if let tcb = verified.tcb, !accepts(tcb.status) {
            var actual = tcb.status.rawValue
            if !tcb.shortfall.isEmpty { actual += ": \(tcb.shortfall)" }
            if !tcb.advisories.isEmpty { actual += " (\(tcb.advisories.joined(separator: ", ")))" }
            reasons.append(
                EvidenceError(
                    .tcbStatus, "the platform's firmware is not in an accepted state",
                    expected: expected, actual: actual))
        }
    }

    private func appraiseIdentity(_ evidence: VerifiedHardwareEvidence, _ reasons: inout [EvidenceError]) {
        func text(_ values: Set<[UInt8]>) -> String { values.map(\.hexadecimal).sorted().joined(separator: " or ") }
        if let hostData {
            let actual = evidence.snpReport?.hostData ?? evidence.tdxQuote?.body.mrConfigID ?? []
            if !hostData.contains(actual) {
                reasons.append(
                    EvidenceError(
                        .hostData, "the host data are not those that are wanted", expected: text(hostData),
                        actual: actual.hexadecimal))
            }
        }
        for (number, values) in pcrs.isEmpty ? [] : pcrs.sorted(by: { $0.key < $1.key }) {
            let actual = evidence.pcrs.flatMap { $0.indices.contains(number) ? $0[number] : nil }
            if actual.map(values.contains) != true {
                reasons.append(
                    EvidenceError(
                        .pcrs, "PCR \(number) does not have a value that is wanted", expected: text(values),
                        actual: actual?.hexadecimal ?? "there is no vTPM"))
            }
        }
        for (number, values) in rtmrs.sorted(by: { $0.key < $1.key }) {
            let actual = evidence.tdxQuote.flatMap {
                $0.body.rtmr.indices.contains(number) ? $0.body.rtmr[number] : nil
            }
            if actual.map(values.contains) != true {
                reasons.append(
                    EvidenceError(
                        .rtmrs, "RTMR\(number) does not have a value that is wanted", expected: text(values),
                        actual: actual?.hexadecimal ?? "SEV-SNP has none"))
            }
        }
        if let launchDigests, !launchDigests.contains(evidence.launchDigest) {
            reasons.append(
                EvidenceError(
                    .launchDigest, "the hardware measured another image than one that is wanted",
                    expected: text(launchDigests), actual: evidence.launchDigest.hexadecimal))
        }
    }
}

extension VerifiedHardwareEvidence {
    /// Whether exactly `data`, and zeros after them, were signed along.
    ///
    /// - Parameter data: Wherever they end in zeros, those are compared too.
    public func binds(_ data: [UInt8]) -> Bool {
        signedData.count >= data.count && signedData.starts(with: data)
            && signedData.dropFirst(data.count).allSatisfy { $0 == 0 }
    }
}

extension EvidenceError {
    fileprivate static var debug: EvidenceError {
        EvidenceError(.debug, "the guest can be debugged: its host can read and change it")
    }
}
