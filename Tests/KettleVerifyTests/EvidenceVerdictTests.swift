import KettleAttestation
import KettleProvenance
import KettleTesting
import KettleVerify
import Testing

/// Evidence that is of no build, judged as that of a bundle would be.
@Suite struct EvidenceVerdictTests {
    private static let key: [UInt8] = [0x30, 0x03, 0x02, 0x01, 0x05]
    private static let nonce = BuildNonce(text: "00112233445566778899aabbccddeeff") ?? .zero
    private static let bound = ReportData(tlsKey: key, nonce: nonce)

    private func evidence(_ kind: HardwareBundle.Kind, over data: [UInt8] = bound.bytes) throws -> Evidence {
        let vendor = ChipVendor.shared
        let bytes =
            switch kind {
            case .snp: vendor.snpEvidence(reportData: data)
            case .tdx: try vendor.tdxEvidence(reportData: data)
            case .azure: try vendor.azureEvidence(extraData: data)
            }
        return try Evidence(parsing: bytes)
    }

    private func verdict(
        _ evidence: Evidence, _ ask: (inout BundleVerifier) -> Void = { _ in }
    ) throws -> EvidenceVerdict {
        var verifier = try HardwareBundle.verifier()
        ask(&verifier)
        return verifier.judge(evidence, binding: Self.bound)
    }

    private func failures(_ verdict: EvidenceVerdict) -> [String] {
        verdict.findings.filter { $0.status == .failed }.map(\.code)
    }

    @Test(arguments: HardwareBundle.Kind.allCases)
    func `hardware's evidence needs somebody who vouches for its measurement`(kind: HardwareBundle.Kind) throws {
        let evidence = try evidence(kind)
        let wanted = try verdict(evidence)
        #expect(wanted.outcome == .accepted && failures(wanted) == [])
        #expect(wanted.findings.contains { $0.code == "binding.report_data" && $0.status == .passed })

        let unvouched = try verdict(evidence) { $0.hardware.launchDigests = nil }
        #expect(unvouched.outcome == .rejected && failures(unvouched) == ["measurement.unvouched"])
        let any = try verdict(evidence) {
            $0.hardware.launchDigests = nil
            $0.acceptsAnyMeasurement = true
        }
        #expect(any.outcome == .accepted)
        let other = try verdict(evidence) { $0.hardware.launchDigests = [[UInt8](repeating: 1, count: 48)] }
        #expect(failures(other) == ["policy.launch_digest"])
        let roots = try verdict(evidence) { $0.roots = .vendor }
        #expect(roots.outcome == .rejected)
    }

    @Test(arguments: HardwareBundle.Kind.allCases)
    func `other report data are refused`(kind: HardwareBundle.Kind) throws {
        let bytes = Self.bound.bytes
        for wrong in [
            ReportData(tlsKey: Self.key, nonce: .zero).bytes,
            ReportData(tlsKey: [0x30, 0x00], nonce: Self.nonce).bytes,
            ReportData(statement: ContentDigest(of: Self.key), nonce: Self.nonce).bytes, Array(bytes.prefix(32)) + [1],
            bytes.dropLast() + [1], Array(bytes.dropFirst()),
        ] {
            let verdict = try verdict(try evidence(kind, over: wrong))
            #expect(verdict.outcome == .rejected)
            #expect(failures(verdict) == ["binding.mismatch"], "\(wrong.hexadecimal)")
        }
    }

    @Test func `a list's condition on the statement asks nothing where there is none`() throws {
        let evidence = try evidence(.snp)
        func listed(_ members: String) throws -> EvidenceVerdict {
            let digest = ChipVendor.measurement.hexadecimal
            let value = "{\"platform\":\"sev-snp\",\"measurement\":\"\(digest)\",\(members)}"
            let list = "{\"schema\":\"\(ReferenceValues.schema)\",\"values\":[\(value)]}"
            let values = try ReferenceValues(parsing: Array(list.utf8), signedBy: []).values
            return try verdict(evidence) {
                $0.hardware.launchDigests = nil
                $0.references = values
            }
        }
        #expect(try listed("\"kettle\":\"9\"").outcome == .accepted)
        #expect(failures(try listed("\"minimum_tcb\":{\"snp\":99}")) == ["measurement.conditions"])
    }

    @Test func `the time is the verifier's, also where builds are judged at their own`() throws {
        let evidence = try evidence(.tdx)
        #expect(try verdict(evidence) { $0.judgesAtBuildTime = true }.outcome == .accepted)
        let late = try verdict(evidence) { $0.time = HardwareBundle.time("2050-01-01T00:00:00Z") }
        #expect(failures(late) == ["cert.time"])
        #expect(try verdict(evidence) { $0.time = nil }.outcome == .undetermined)
    }

    @Test func `the builder has to be one that is wanted`() throws {
        let evidence = try evidence(.tdx)
        for (builder, isWanted) in [(Platform.tdx.builderID, true), (Platform.snp.builderID, false)] {
            let asked = try verdict(evidence) { $0.expected.builders = [builder] }
            #expect(failures(asked) == (isWanted ? [] : ["expected.builder"]))
            var policy = Policy()
            policy.builders = [builder]
            let byPolicy = try verdict(evidence) { $0.policy = policy }
            #expect(failures(byPolicy) == (isWanted ? [] : ["policy.builder"]))
        }
    }

    @Test func `a software key has to be named, and measures nothing`() async throws {
        let key = SoftwareKey()
        let evidence = try Evidence(parsing: await SoftwareAttester(key: key).evidence(for: Self.bound))
        let named = BundleVerifier(softwareKeys: [key.fingerprint])
        #expect(named.judge(evidence, binding: Self.bound).outcome == .accepted)
        #expect(failures(BundleVerifier().judge(evidence, binding: Self.bound)) == ["software_key.unnamed"])
        let other = ReportData(tlsKey: Self.key, nonce: .zero)
        #expect(failures(named.judge(evidence, binding: other)) == ["binding.mismatch"])
        let measured = try verdict(evidence) { $0.softwareKeys = [key.fingerprint] }
        #expect(failures(measured) == ["policy.launch_digest"])
    }
}
