import KettleAttestation
import KettleProvenance

/// Verifies a bundle that the original Kettle wrote: `provenance.json`, `evidence.json` and `artifacts/`.
///
/// Its evidence binds SHA-256 of the file, or, in its first generation, of the file without white space between tokens; then a
/// nonce of 16 bytes, zeros, or nothing (`docs/formats.md`, "Bundles of the original Kettle").
struct OriginalChecks {
    let bundle: UnverifiedBundle
    let json: JSONValue
    let verifier: BundleVerifier

    func verdict() -> Verdict {
        var findings: [Finding] = []
        let bytes = bundle.statement ?? []
        let evidence = ReceivedEvidence.read(from: bundle, &findings)
        let statement = readStatement(&findings)
        let claims = statement?.claims

        var result: EvidenceChecks.Result?
        var nonce: BuildNonce?
        if let evidence {
            if evidence.platform == .software {
                findings.append(
                    Finding(
                        .failed, "evidence.platform", "the original Kettle made no software evidence",
                        actual: "software"))
            } else {
                let checks = EvidenceChecks(
                    evidence: evidence, collateral: bundle.collateral, claims: claims, verifier: verifier)
                result = checks.run(&findings)
            }
        }
        if let signed = result?.signed { nonce = checkBinding(signed, bytes, &findings) }
        if let statement, let claims { check(statement, claims, evidence, &findings) }

        var candidate: VerifiedBundle?
        if let statement, let result, result.isAccepted, let nonce, let platform = evidence?.platform {
            candidate = VerifiedBundle(
                statement: nil,
                artifacts: statement.subjects.compactMap { name, text in
                    ContentDigest(hex: text).map { Statement.Subject(name: name, digest: $0) }
                }, provenance: statement.json, statementDigest: ContentDigest(of: bytes), platform: platform,
                nonce: nonce, result)
        }
        let seen = Verdict.Seen(
            bundle, source: statement.map { "git+\($0.sourceURI)" })
        return Verdict(findings: findings, candidate: candidate, seen: seen)
    }

    private func readStatement(_ findings: inout [Finding]) -> OriginalStatement? {
        do {
            let statement = try OriginalStatement(json)
            findings.append(
                Finding(
                    .passed, "provenance.format", "the statement is one of the original Kettle",
                    actual: statement.buildType))
            return statement
        } catch {
            findings.append(Finding(.failed, error.code, error.message))
            return nil
        }
    }

    // MARK: - Binding

    /// - Returns: The nonce that was signed along, when the evidence is of this statement.
    private func checkBinding(_ signed: [UInt8], _ bytes: [UInt8], _ findings: inout [Finding]) -> BuildNonce? {
        let file = ContentDigest(of: bytes)
        let compact = ContentDigest(of: Self.compact(bytes))
        let digest = Array(signed.prefix(32))
        let isWhole = (32...64).contains(signed.count) && signed.dropFirst(48).allSatisfy { $0 == 0 }
        guard isWhole, digest == file.bytes || digest == compact.bytes else {
            findings.append(
                Finding(
                    .failed, "binding.mismatch", "the evidence was made for another statement",
                    expected: "\(file.hex), or \(compact.hex) without white space", actual: signed.hexadecimal))
            return nil
        }
        findings.append(
            Finding(
                .passed, "binding.statement",
                digest == file.bytes
                    ? "the evidence was made for this statement"
                    : "the evidence was made for this statement, without the white space between its tokens"))
        let rest = Array(signed[32..<min(48, signed.count)])
        let nonce = BuildNonce(bytes: rest + Array(repeating: 0, count: 16 - rest.count)) ?? .zero
        guard let wanted = verifier.nonce else {
            findings.append(
                Finding(
                    .notChecked, "nonce.unasked", "no nonce was asked for", actual: nonce == .zero ? "none" : nonce.hex)
            )
            return nonce
        }
        findings.append(
            Finding(
                nonce == wanted ? .passed : .failed, nonce == wanted ? "nonce.match" : "binding.mismatch",
                nonce == wanted ? "the evidence was made for your nonce" : "the evidence was made for another nonce",
                expected: wanted.hex, actual: nonce == .zero ? "none" : nonce.hex))
        return nonce
    }

    /// The document without insignificant white space (RFC 8259, section 2), every other byte as it is.
    ///
    /// Nothing is decoded and written again: escapes, numbers and the order of members are then the same in what is digested as
    /// in what is read.
    static func compact(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else {
                if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { continue }
                if byte == UInt8(ascii: "\"") { isInString = true }
            }
            output.append(byte)
        }
        return output
    }

    // MARK: - Statement and files

    private func check(
        _ statement: OriginalStatement, _ claims: Claims, _ evidence: Evidence?, _ findings: inout [Finding]
    ) {
        if let time = verifier.time, let finished = statement.finishedOn,
            finished.secondsSince1970 > time.secondsSince1970 + StatementChecks.clockTolerance
        {
            findings.append(
                Finding(
                    .failed, "provenance.future", "the build ended after the time of verification",
                    expected: "not after \(time)", actual: finished.text))
        }
        findings.append(
            Finding(
                .notChecked, "provenance.merkle_root", "the original Kettle does not document its input Merkle root"))
        verifier.checkPolicies(claims, &findings)
        checkArtifacts(statement, &findings)
        checkOthers(statement, &findings)
    }

    private func checkArtifacts(_ statement: OriginalStatement, _ findings: inout [Finding]) {
        var subjects: [Statement.Subject] = []
        for (name, text) in statement.subjects {
            guard let digest = ContentDigest(hex: text) else {
                findings.append(
                    Finding(.failed, "artifact.digest", "the digest of \"\(name)\" is not a SHA-256", actual: text))
                continue
            }
            subjects.append(Statement.Subject(name: name, digest: digest))
        }
        ArtifactChecks(bundle: bundle, subjects: subjects, isLeftOut: verifier.leavesArtifactsOut).run(&findings)
    }

    /// The original's folder may hold more than its verifier ever looked at.
    private func checkOthers(_ statement: OriginalStatement, _ findings: inout [Finding]) {
        for (path, kind) in bundle.oddities.sorted(by: { $0.key < $1.key })
        where !UnverifiedBundle.isPath(path, below: "artifacts") {
            findings.append(
                Finding(
                    .failed, "bundle.kind", "\"\(path)\" has no place in a bundle", expected: "regular files",
                    actual: kind))
        }
        let known: Set = [UnverifiedBundle.statementPath, UnverifiedBundle.evidencePath]
        for path in bundle.files.keys.sorted()
        where !known.contains(path) && !UnverifiedBundle.isPath(path, below: "artifacts")
            && !LayoutChecks.isCollateral(path)
        {
            guard let file = bundle.files[path], file.digest.hex == statement.lockfileDigest else {
                findings.append(
                    Finding(.notChecked, "bundle.unchecked", "nothing in the statement speaks for \"\(path)\""))
                continue
            }
            findings.append(
                Finding(.passed, "lockfile.match", "\"\(path)\" is the lockfile that the statement names"))
        }
    }
}
