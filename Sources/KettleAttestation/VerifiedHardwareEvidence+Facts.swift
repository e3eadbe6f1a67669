public import KettleProvenance

extension VerifiedHardwareEvidence {
    /// What was read of it, as `kettle evidence` prints it (`docs/verifying.md`, "Facts"): digests and identifiers in lower-case
    /// hexadecimal digits, times in RFC 3339.
    public var facts: JSONValue {
        var facts: [String: JSONValue] = [
            "platform": .string(platformName), "launch_digest": .string(launchDigest.hexadecimal),
            "report_data": .string(reportData.hexadecimal), "signed_data": .string(signedData.hexadecimal),
            "valid_window": [.string(window.first.text), .string(window.last.text)],
            "signature_verifications": .object(signatures.counts.mapValues { .integer(Int64($0)) }),
        ]
        switch hardware {
        case .snp(let verified): facts.merge(Self.facts(of: verified)) { own, _ in own }
        case .tdx(let verified): facts.merge(Self.facts(of: verified)) { own, _ in own }
        }
        if let vtpm {
            facts["vm_configuration"] = vtpm.configuration
            facts["user_data"] = vtpm.userData
            facts["pcrs"] = .array(vtpm.pcrs.map { .string($0.hexadecimal) })
            facts["tpm_nonce"] = .string(vtpm.extraData.hexadecimal)
        }
        return .object(facts)
    }

    private static func facts(of verified: VerifiedSNPReport) -> [String: JSONValue] {
        let report = verified.report
        func tcb(_ bytes: [UInt8]) -> JSONValue { SNPTCB(bytes, product: verified.product).json }
        var facts: [String: JSONValue] = [
            "report_version": .integer(Int64(report.version)), "host_data": .string(report.hostData.hexadecimal),
            "vmpl": .integer(Int64(report.vmpl)), "debug": .bool(report.policy.allowsDebug),
            "policy": .string("0x\(String(report.policy.rawValue, radix: 16))"),
            "chip_id": .string(report.chipID.hexadecimal), "guest_svn": .integer(Int64(report.guestSVN)),
            "family_id": .string(report.familyID.hexadecimal), "image_id": .string(report.imageID.hexadecimal),
            "product": .string(verified.product.rawValue), "signing_key": .string(report.signingKey.rawValue),
            "tcb": tcb(report.reportedTCB), "current_tcb": tcb(report.currentTCB),
            "committed_tcb": tcb(report.committedTCB), "launch_tcb": tcb(report.launchTCB),
            "revocation_checked": .bool(verified.isRevocationChecked),
        ]
        if let cpuid = report.cpuid {
            let digits = cpuid.map { "0x\(String($0, radix: 16))" }
            facts["cpuid"] = .string("family \(digits[0]) model \(digits[1]) stepping \(digits[2])")
        }
        return facts
    }

    private static func facts(of verified: VerifiedTDXQuote) -> [String: JSONValue] {
        let (quote, body, platform) = (verified.quote, verified.quote.body, verified.chain.platform)
        var facts: [String: JSONValue] = [
            "quote_version": .integer(Int64(quote.version)), "body": body.isExtended ? "tdx15" : "tdx10",
            "tee_tcb_svn": .string(body.teeTCBSVN.hexadecimal), "mr_seam": .string(body.mrSEAM.hexadecimal),
            "td_attributes": .string(body.attributes.hexadecimal), "xfam": .string(body.xfam.hexadecimal),
            "mr_config_id": .string(body.mrConfigID.hexadecimal), "debug": .bool(body.isDebug),
            "rtmr": .array(body.rtmr.map { .string($0.hexadecimal) }), "fmspc": .string(platform.fmspc.hexadecimal),
            "pceid": .string(platform.pceID.hexadecimal), "pcesvn": .integer(Int64(platform.pceSVN)),
            "ca": .string(verified.chain.intermediate.commonName), "collateral_checked": .bool(verified.tcb != nil),
            "qe_isvsvn": .integer(Int64(quote.enclave.securityVersion)),
            "tcb_status": verified.tcb.map { .string($0.status.rawValue) } ?? .null,
            "advisories": .array(verified.tcb?.advisories.map(JSONValue.string) ?? []),
        ]
        if let tcb = verified.tcb {
            facts["tcb_date"] = .string(tcb.date)
            facts["tcb_parts"] = [
                "platform": .string(tcb.platform.rawValue), "tdx_module": .string(tcb.module.rawValue),
                "qe": .string(tcb.enclave.rawValue),
            ]
        }
        return facts
    }
}
