import KettleAttestation
import KettleProvenance
import KettleTesting
import KettleVerify
import Testing

@Suite struct HardwareBundleTests {
    private static let nonce = BuildNonce(text: "00112233445566778899aabbccddeeff") ?? .zero
    private static let month = ("2026-05-20T00:00:00Z", "2026-06-19T00:00:00Z")

    @Test(arguments: HardwareBundle.Kind.allCases)
    func `hardware's evidence of a known measurement is accepted`(kind: HardwareBundle.Kind) throws {
        let verdict = try HardwareBundle(kind: kind, nonce: Self.nonce).verdict { $0.nonce = Self.nonce }
        #expect(verdict.failures == [])
        #expect(verdict.outcome == .accepted)
        let verified = try #require(verdict.verified)
        #expect(verified.platform == kind.platform)
        #expect(verified.nonce == Self.nonce)
        #expect(verified.softwareKey == nil)
        #expect(verified.hardware?.launchDigest == ChipVendor.measurement)
        #expect(verified.evidenceTime?.text == ChipVendor.time)
        #expect(verified.artifacts.map(\.name) == ["tally"])
        #expect(verdict.json["evidence"]?["launch_digest"]?.stringValue == ChipVendor.measurement.hexadecimal)
    }

    @Test(arguments: HardwareBundle.Kind.allCases)
    func `a measurement that nothing vouches for is rejected, unless any will do`(kind: HardwareBundle.Kind) throws {
        let bundle = HardwareBundle(kind: kind)
        let unvouched = try bundle.verdict { $0.hardware.launchDigests = nil }
        #expect(unvouched.outcome == .rejected)
        #expect(unvouched.failures == ["measurement.unvouched"])
        let any = try bundle.verdict {
            $0.hardware.launchDigests = nil
            $0.acceptsAnyMeasurement = true
        }
        #expect(any.outcome == .accepted)
        #expect(any.notes.contains("measurement.any"))
        let other = try bundle.verdict { $0.hardware.launchDigests = [[UInt8](repeating: 1, count: 48)] }
        #expect(other.failures == ["policy.launch_digest"])
        let byPolicy = try bundle.verdict {
            var policy = Policy()
            policy.hardware.launchDigests = [[UInt8](repeating: 1, count: 48)]
            $0.policy = policy
        }
        #expect(byPolicy.failures == ["policy.launch_digest"])
    }

    @Test(arguments: HardwareBundle.Kind.allCases)
    func `evidence of other data is rejected`(kind: HardwareBundle.Kind) throws {
        let bytes = try #require(try HardwareBundle(kind: kind).contents()["provenance.json"])
        let digest = ContentDigest(of: bytes).bytes
        let zeros = [UInt8](repeating: 0, count: 16)
        for wrong in [
            [UInt8](repeating: 7, count: 48), zeros + digest, digest + zeros + [1], digest.dropLast() + zeros + [0],
        ] {
            let verdict = try HardwareBundle(kind: kind, reportData: wrong).verdict()
            #expect(verdict.outcome == .rejected)
            #expect(verdict.failures.contains("binding.mismatch"), "\(wrong.hexadecimal)")
        }
        let other = try HardwareBundle(kind: kind, nonce: Self.nonce).verdict { $0.nonce = BuildNonce.zero }
        #expect(other.failures == ["nonce.mismatch"])
    }

    @Test(arguments: HardwareBundle.Kind.allCases)
    func `the vendors' own roots do not vouch for it`(kind: HardwareBundle.Kind) throws {
        let verdict = try HardwareBundle(kind: kind).verdict { $0.roots = .vendor }
        #expect(verdict.outcome == .rejected)
        #expect(verdict.failures == [kind == .tdx ? "chain.root" : "chain.vek"])
    }

    @Test func `another platform's builder is rejected`() throws {
        var contents = try HardwareBundle(kind: .snp).contents()
        contents["evidence.json"] = try HardwareBundle(kind: .tdx).contents()["evidence.json"]
        let verdict = try HardwareBundle.verifier().verify(try UnverifiedBundle(contents: contents))
        #expect(verdict.failures.contains("provenance.builder"))
        #expect(verdict.failures.contains("binding.mismatch"))
    }

    // MARK: - The guest

    @Test func `a guest that can be debugged, migrated or is at another level is rejected, unless allowed`() throws {
        let cases: [(code: String, place: Int, bits: UInt8, allow: (inout HardwarePolicy) -> Void)] = [
            ("policy.debug", 0x00A, 0x08, { $0.allowsDebug = true }),
            ("policy.migration", 0x00A, 0x04, { $0.allowsMigration = true }),
            ("policy.vmpl", 0x030, 0x02, { $0.vmpls = [0, 2] }),
        ]
        for (code, place, bits, allow) in cases {
            let bundle = HardwareBundle(kind: .snp, change: { $0[place] |= bits })
            #expect(try bundle.verdict().failures == [code])
            #expect(try bundle.verdict { allow(&$0.hardware) }.outcome == .accepted, "\(code)")
            let byPolicy = try bundle.verdict {
                var policy = Policy()
                allow(&policy.hardware)
                $0.policy = policy
            }
            #expect(byPolicy.outcome == .accepted, "\(code)")
        }
        let smt = HardwareBundle(kind: .snp)
        #expect(try smt.verdict { $0.hardware.allowsMultithreading = false }.failures == ["policy.smt"])
        let debug = HardwareBundle(kind: .tdx, change: { $0[120] |= 1 })
        #expect(try debug.verdict().failures == ["policy.debug"])
        #expect(try debug.verdict { $0.hardware.allowsDebug = true }.outcome == .accepted)
        let untrusted = HardwareBundle(kind: .tdx, change: { $0[120] |= 0x80 })
        #expect(try untrusted.verdict { $0.hardware.allowsDebug = true }.failures == ["policy.attributes"])
    }

    @Test func `a guest of TDX that a migration guest may take elsewhere is rejected, unless allowed`() throws {
        let bundle = HardwareBundle(kind: .tdx, change: { $0[123] |= 0x20 })
        #expect(try bundle.verdict().failures == ["policy.migration"])
        #expect(try bundle.verdict { $0.hardware.allowsMigration = true }.outcome == .accepted)
    }

    @Test func `what TDX's firmware started is asked by registers`() throws {
        let value = [UInt8](repeating: 7, count: 48)
        let bundle = HardwareBundle(kind: .tdx, change: { $0.replaceSubrange(328 + 48..<328 + 96, with: value) })
        #expect(try bundle.verdict().notes.contains("measurement.rtmrs"))
        let asked = try bundle.verdict { $0.hardware.rtmrs = [1: [value]] }
        #expect(asked.outcome == .accepted)
        #expect(!asked.notes.contains("measurement.rtmrs"))
        #expect(try bundle.verdict { $0.hardware.rtmrs = [2: [value]] }.failures == ["policy.rtmrs"])
        #expect(
            try HardwareBundle(kind: .snp).verdict { $0.hardware.rtmrs = [1: [value]] }.failures == ["policy.rtmrs"])
        #expect(
            try HardwareBundle(kind: .snp).verdict { $0.hardware.tcbStatuses = [.upToDate] }.failures == ["tcb.status"])
    }

    @Test(
        arguments: [
            (nil, nil, 0, true), (nil, nil, 1, false), ([0, 1], nil, 1, true), (nil, [0, 1], 1, true),
            ([0, 1], [0], 1, false),
            ([0], [0, 1], 1, false), ([0, 1], [1, 2], 1, true), ([1], [2], 1, false),
        ] as [(Set<UInt32>?, Set<UInt32>?, UInt8, Bool)])
    func `privilege levels have to suit the caller and the policy`(
        own: Set<UInt32>?, policy: Set<UInt32>?, level: UInt8, isAccepted: Bool
    ) throws {
        let verdict = try HardwareBundle(kind: .snp, change: { $0[0x030] = level }).verdict {
            $0.hardware.vmpls = own
            var other = Policy()
            other.hardware.vmpls = policy
            $0.policy = other
        }
        #expect(verdict.failures == (isAccepted ? [] : ["policy.vmpl"]))
    }

    @Test func `a guest that can be debugged is said to be, where that is accepted`() throws {
        let bundle = HardwareBundle(kind: .snp, change: { $0[0x00A] |= 0x08 })
        #expect(try bundle.verdict { $0.hardware.allowsDebug = true }.notes.contains("policy.debug"))
        #expect(
            !(try HardwareBundle(kind: .snp).verdict { $0.hardware.allowsDebug = true }.notes.contains("policy.debug")))
    }

    @Test func `what was asked of evidence that is not genuine stays open`() throws {
        let verdict = try HardwareBundle(kind: .snp).verdict { $0.roots = .vendor }
        #expect(verdict.findings.contains { $0.code == "measurement.unknown" && $0.status == .undetermined })
    }

    @Test func `a draft of a policy has the registers that were measured`() throws {
        let value = [UInt8](repeating: 7, count: 48)
        for bundle in [
            HardwareBundle(kind: .azure), HardwareBundle(kind: .snp),
            HardwareBundle(kind: .tdx, change: { $0.replaceSubrange(328 + 48..<328 + 96, with: value) }),
        ] {
            let unverified = try UnverifiedBundle(contents: try bundle.contents())
            let policy = try Policy(parsing: Array(Policy.draft(for: unverified).utf8))
            #expect(policy.hardware.launchDigests == [ChipVendor.measurement])
            #expect(policy.hardware.pcrs.isEmpty == (bundle.kind != .azure))
            #expect(policy.hardware.rtmrs == (bundle.kind == .tdx ? [1: [value]] : [:]))
            var verifier = try HardwareBundle.verifier()
            verifier.hardware.launchDigests = nil
            verifier.policy = policy
            #expect(verifier.verify(unverified).failures == [])
        }
    }

    @Test func `firmware that is older than wanted says what lies how far behind`() throws {
        let verdict = try HardwareBundle(kind: .snp).verdict {
            $0.hardware.minimumTCB = [.snp: 27, .bootloader: 4, .fmc: 1]
        }
        #expect(verdict.failures == ["policy.min_tcb"])
        let finding = try #require(verdict.findings.first { $0.code == "policy.min_tcb" })
        #expect(finding.message == "the firmware is older than wanted: fmc is missing, snp lies 3 behind")
        #expect(finding.actual == "bootloader 4, microcode 219, snp 24, tee 0")
        #expect(try HardwareBundle(kind: .snp).verdict { $0.hardware.minimumTCB = [.snp: 24] }.outcome == .accepted)
        #expect(
            try HardwareBundle(kind: .tdx).verdict { $0.hardware.minimumTCB = [.snp: 1] }.failures == ["policy.min_tcb"]
        )
    }

    @Test func `host data have to be those that are wanted`() throws {
        let data = [UInt8](repeating: 9, count: 32)
        let bundle = HardwareBundle(kind: .snp, change: { $0.replaceSubrange(0x0C0..<0x0E0, with: data) })
        #expect(try bundle.verdict { $0.hardware.hostData = [data] }.outcome == .accepted)
        #expect(
            try HardwareBundle(kind: .snp).verdict { $0.hardware.hostData = [data] }.failures == ["policy.host_data"])
    }

    @Test func `what runs above a paravisor is asked by registers`() throws {
        let value = [UInt8](repeating: 11, count: 32)
        let bundle = HardwareBundle(kind: .azure)
        #expect(try bundle.verdict().notes.contains("measurement.pcrs"))
        // Every renter of the cloud has that launch digest: a policy that leaves it at that vouches for nobody.
        let byPolicy = try bundle.verdict {
            $0.hardware.launchDigests = nil
            var policy = Policy()
            policy.hardware.launchDigests = [ChipVendor.measurement]
            $0.policy = policy
        }
        #expect(byPolicy.failures == ["measurement.pcrs"])
        let asked = try bundle.verdict { $0.hardware.pcrs = [11: [value]] }
        #expect(asked.outcome == .accepted)
        #expect(!asked.notes.contains("measurement.pcrs"))
        #expect(try bundle.verdict { $0.hardware.pcrs = [12: [value]] }.failures == ["policy.pcrs"])
        #expect(try HardwareBundle(kind: .snp).verdict { $0.hardware.pcrs = [11: [value]] }.failures == ["policy.pcrs"])
    }

    // MARK: - Collateral and time

    @Test func `collateral in the bundle tells the firmware's state`() throws {
        let bundle = HardwareBundle(kind: .tdx, collateral: try ChipVendor.shared.collateral(Self.month))
        let verdict = try bundle.verdict()
        #expect(verdict.outcome == .accepted)
        #expect(!verdict.notes.contains("collateral.none"))
        #expect(verdict.verified?.hardware?.tdxTCB?.status == .upToDate)
        #expect(verdict.json["evidence"]?["advisories"] == ["INTEL-SA-00001"])
        #expect(try HardwareBundle(kind: .tdx).verdict().notes.contains("collateral.none"))

        let old = HardwareBundle(
            kind: .tdx, collateral: try ChipVendor.shared.collateral(Self.month, status: "OutOfDate"))
        #expect(try old.verdict().failures == ["tcb.status"])
        #expect(try old.verdict { $0.hardware.tcbStatuses = [.outOfDate] }.outcome == .accepted)
        let revoked = HardwareBundle(
            kind: .tdx, collateral: try ChipVendor.shared.collateral(Self.month, status: "Revoked"))
        #expect(try revoked.verdict { $0.hardware.tcbStatuses = Set(TCBStatus.allCases) }.failures == ["tcb.revoked"])
        // Asked for a state, no collateral is no answer.
        let unknown = try HardwareBundle(kind: .tdx).verdict { $0.hardware.tcbStatuses = [.upToDate] }
        #expect(unknown.failures == ["tcb.status"])
    }

    @Test func `old collateral in the bundle is judged at the build's time, and said to be`() throws {
        let fresh = try ChipVendor.shared.collateral(Self.month)
        let verdict = try HardwareBundle(kind: .tdx, collateral: fresh).verdict {
            $0.time = HardwareBundle.time("2027-01-01T00:00:00Z")
        }
        #expect(verdict.outcome == .accepted)
        #expect(verdict.findings.contains { $0.code == "evidence.then" && $0.status == .passed })
        #expect(verdict.notes.contains("collateral.none"))

        let bad = try ChipVendor.shared.collateral(Self.month, status: "OutOfDate")
        let outdated = try HardwareBundle(kind: .tdx, collateral: bad).verdict {
            $0.time = HardwareBundle.time("2027-01-01T00:00:00Z")
        }
        #expect(outdated.failures == ["tcb.status"])

        // Named by the caller, it has to be of the time of verification.
        let named = try HardwareBundle(kind: .tdx).verdict {
            $0.time = HardwareBundle.time("2027-01-01T00:00:00Z")
            $0.collateral = try? Collateral(files: fresh)
        }
        #expect(named.failures == ["collateral.expired"])
        #expect(named.notes.contains("evidence.then"))

        var part = fresh
        part["pck_crl.der"] = nil
        #expect(try HardwareBundle(kind: .tdx, collateral: part).verdict().failures == ["collateral.missing"])
        // Neither is of the build's time.
        let never = try HardwareBundle(
            kind: .tdx, collateral: fresh, finishedOn: HardwareBundle.time("2026-07-01T00:00:00Z")
        ).verdict { $0.time = HardwareBundle.time("2027-01-01T00:00:00Z") }
        #expect(never.failures == ["collateral.expired"])
    }

    @Test func `certificates that have ended are good enough at the build's time only`() throws {
        let bundle = HardwareBundle(kind: .snp)
        let late = try bundle.verdict { $0.time = HardwareBundle.time("2050-01-01T00:00:00Z") }
        #expect(late.failures == ["cert.time"])
        #expect(late.notes.contains("evidence.then"))
        let then = try bundle.verdict {
            $0.time = HardwareBundle.time("2050-01-01T00:00:00Z")
            $0.judgesAtBuildTime = true
        }
        #expect(then.outcome == .accepted)
        #expect(then.verified?.evidenceTime?.text == "2026-06-01T00:00:00Z")
        // Without a time nothing is known.
        let timeless = try bundle.verdict { $0.time = nil }
        #expect(timeless.outcome == .undetermined)
        #expect(timeless.findings.contains { $0.code == "evidence.time" && $0.status == .undetermined })
    }

    @Test func `AMD's revocation list comes in the bundle or from the caller`() throws {
        let list = ChipVendor.shared.amdRevocations(Self.month)
        let fresh = try HardwareBundle(kind: .snp, collateral: ["amd_crl.der": list]).verdict()
        #expect(fresh.outcome == .accepted)
        #expect(!fresh.notes.contains("collateral.none"))
        let revoked = ChipVendor.shared.amdRevocations(Self.month, revoked: true)
        #expect(
            try HardwareBundle(kind: .snp, collateral: ["amd_crl.der": revoked]).verdict().failures == ["cert.revoked"])
        let named = try HardwareBundle(kind: .snp).verdict {
            $0.collateral = try? Collateral(files: ["amd_crl.der": revoked])
        }
        #expect(named.failures == ["cert.revoked"])
    }

    @Test func `a folder of collateral holds nothing else`() async throws {
        var contents = try HardwareBundle(kind: .snp).contents()
        contents["collateral/evil"] = [1]
        let verdict = try HardwareBundle.verifier().verify(try UnverifiedBundle(contents: contents))
        #expect(verdict.failures == ["bundle.unexpected"])
        let software = try await SampleBundle().verdict { $0["collateral/amd_crl.der"] = [1] }
        #expect(software.failures == ["bundle.unexpected"])
    }

    // MARK: - Lists of images

    private static let entry: JSONValue = [
        "platform": "sev-snp", "measurement": .string(ChipVendor.measurement.hexadecimal), "kettle": "0.1.0",
        "minimum_tcb": ["snp": 24],
    ]

    private static func list(_ entries: JSONValue...) -> [UInt8] {
        let list: JSONValue = ["schema": .string(ReferenceValues.schema), "values": .array(entries)]
        return list.canonicalBytes()
    }

    private func listed(_ entry: JSONValue, _ kind: HardwareBundle.Kind = .snp) throws -> Verdict {
        let values = try ReferenceValues(parsing: Self.list(entry), signedBy: []).values
        return try HardwareBundle(kind: kind).verdict {
            $0.hardware.launchDigests = nil
            $0.references = values
        }
    }

    private func changed(_ name: String, _ value: JSONValue?) -> JSONValue {
        var members = Self.entry.objectValue ?? [:]
        members[name] = value
        return .object(members)
    }

    @Test func `an image in the list is accepted on its conditions`() throws {
        #expect(try listed(Self.entry).outcome == .accepted)
        #expect(try listed(changed("kettle", nil)).outcome == .accepted)
        let zeros = String(repeating: "0", count: 96)
        #expect(try listed(changed("measurement", .string(zeros))).failures == ["measurement.unlisted"])
        let tdx: JSONValue = ["platform": "tdx", "measurement": .string(ChipVendor.measurement.hexadecimal)]
        #expect(try listed(tdx).failures == ["measurement.unlisted"])
        #expect(try listed(tdx, .tdx).outcome == .accepted)
        var registers = tdx.objectValue ?? [:]
        registers["rtmrs"] = ["1": .string(String(repeating: "00", count: 48))]
        #expect(!(try listed(.object(registers), .tdx).notes.contains("measurement.rtmrs")))
        registers["rtmrs"] = ["1": .string(String(repeating: "01", count: 48))]
        #expect(try listed(.object(registers), .tdx).failures == ["measurement.conditions"])
        #expect(try listed(changed("kettle", "0.2.0")).failures == ["measurement.conditions"])
        #expect(try listed(changed("minimum_tcb", ["snp": 25])).failures == ["measurement.conditions"])
        let register: JSONValue = ["11": .string(String(repeating: "0b", count: 32))]
        let azure: JSONValue = [
            "platform": "az-snp", "measurement": .string(ChipVendor.measurement.hexadecimal), "pcrs": register,
        ]
        #expect(try listed(azure, .azure).outcome == .accepted)
        #expect(!(try listed(azure, .azure).notes.contains("measurement.pcrs")))
        let other: JSONValue = ["11": .string(String(repeating: "0c", count: 32))]
        var members = azure.objectValue ?? [:]
        members["pcrs"] = other
        #expect(try listed(.object(members), .azure).failures == ["measurement.conditions"])
    }

    @Test func `of two images in a list, the one that fits says what was asked`() throws {
        let digest = JSONValue.string(ChipVendor.measurement.hexadecimal)
        let other: JSONValue = [
            "platform": "tdx", "measurement": digest, "rtmrs": ["0": .string(String(repeating: "01", count: 48))],
        ]
        let values = try ReferenceValues(
            parsing: Self.list(other, ["platform": "tdx", "measurement": digest]), signedBy: [])
        let verdict = try HardwareBundle(kind: .tdx).verdict {
            $0.hardware.launchDigests = nil
            $0.references = values.values
        }
        #expect(verdict.outcome == .accepted)
        #expect(verdict.notes.contains("measurement.rtmrs"))
    }

    @Test func `a signed list is taken on the word of a named key alone`() throws {
        let (key, other) = (SoftwareKey(), SoftwareKey())
        let signed = try ReferenceValues.sign(Self.list(Self.entry), with: key)
        let values = try ReferenceValues(parsing: signed, signedBy: [key.fingerprint, other.fingerprint])
        #expect(values.signer == key.fingerprint)
        #expect(values.values.map(\.measurement) == [ChipVendor.measurement])
        #expect(throws: ReferenceValueError.wrongSignature([other.fingerprint.hex])) {
            try ReferenceValues(parsing: signed, signedBy: [other.fingerprint])
        }
        #expect(throws: ReferenceValueError.wrongSignature([])) { try ReferenceValues(parsing: signed, signedBy: []) }
        #expect(throws: ReferenceValueError.unsigned) {
            try ReferenceValues(parsing: Self.list(Self.entry), signedBy: [key.fingerprint])
        }
        // Every bit of the payload is signed.
        let envelope = try JSONValue(parsing: signed)
        let payload = try #require(envelope["payload"]?.stringValue.flatMap(Base64.decode))
        for place in payload.indices {
            var bytes = payload
            bytes[place] ^= 1
            var members = envelope.objectValue ?? [:]
            members["payload"] = .string(Base64.encode(bytes))
            #expect(throws: ReferenceValueError.self) {
                try ReferenceValues(parsing: JSONValue.object(members).canonicalBytes(), signedBy: [key.fingerprint])
            }
        }
    }

    @Test func `a list that is none is refused`() throws {
        let wrong: [(String, JSONValue?)] = [
            ("platform", "software"), ("platform", "snp"), ("platform", nil), ("measurement", "00"),
            ("measurement", nil),
            ("pcrs", [:]), ("pcrs", ["24": .string(String(repeating: "0", count: 64))]), ("pcrs", ["1": "00"]),
            ("pcrs", ["01": .string(String(repeating: "0", count: 64))]), ("kettle", 1), ("minimum_tcb", [:]),
            ("minimum_tcb", ["snp": 256]), ("minimum_tcb", ["kernel": 1]), ("tcb_statuses", []),
            ("tcb_statuses", ["Revoked"]), ("tcb_statuses", ["Fine"]), ("debug", true),
            // Of other hardware.
            ("tcb_statuses", ["UpToDate"]), ("pcrs", ["1": .string(String(repeating: "0", count: 64))]),
            ("rtmrs", ["1": .string(String(repeating: "0", count: 96))]), ("platform", "tdx"), ("platform", "az-snp"),
        ]
        for (name, value) in wrong {
            #expect(throws: ReferenceValueError.self, "\(name)") {
                try ReferenceValues(parsing: Self.list(changed(name, value)), signedBy: [])
            }
        }
        for text in ["", "{}", "[]", #"{"schema":"https://kettle.build/reference-values/v1","values":[]}"#] {
            #expect(throws: ReferenceValueError.self) { try ReferenceValues(parsing: Array(text.utf8), signedBy: []) }
        }
    }
}

extension Verdict {
    /// The codes of what was not checked.
    var notes: Set<String> { Set(findings.filter { $0.status == .notChecked }.map(\.code)) }
}
