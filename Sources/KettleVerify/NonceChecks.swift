import KettleAttestation

/// Whether the nonce that was signed is the one that the statement records, and the one that the caller wants.
struct NonceChecks {
    /// Nil when there is no genuine signature.
    let signed: BuildNonce?
    let recorded: String?
    let wanted: BuildNonce?
    /// Whether `recorded` could be read at all.
    let isStatementKnown: Bool

    func run(_ findings: inout [Finding]) {
        guard let signed else {
            findings.append(
                Finding(
                    wanted == nil ? .notChecked : .undetermined, "nonce.unknown",
                    "without genuine evidence there is no nonce", expected: wanted?.hex))
            return
        }
        if isStatementKnown { checkRecord(against: signed, &findings) }
        guard let wanted else {
            findings.append(
                Finding(
                    .notChecked, "nonce.unasked", "no nonce was asked for",
                    actual: signed == .zero ? "none" : signed.hex))
            return
        }
        findings.append(
            Finding(
                signed == wanted ? .passed : .failed, signed == wanted ? "nonce.match" : "nonce.mismatch",
                signed == wanted ? "the evidence was made for your nonce" : "the evidence was made for another nonce",
                expected: wanted.hex, actual: signed == .zero ? "none" : signed.hex))
    }

    private func checkRecord(against signed: BuildNonce, _ findings: inout [Finding]) {
        let expected = signed == .zero && recorded == nil ? nil : signed.hex
        guard recorded != expected else { return }
        findings.append(
            Finding(
                .failed, "nonce.record", "the statement's nonce is not the one that was signed",
                expected: expected ?? "none", actual: recorded ?? "none"))
    }
}
