import KettleAttestation
import KettleDevices
import KettleProvenance
import KettleTesting
import NIOPosix
import Testing

@Suite(.needsSoftwareTPM, .timeLimit(.minutes(15)))
struct AzureAttesterTests {
    private static let reportIndex = "0x01400001"
    private static let userDataIndex = "0x01400002"
    private let pem: JSONValue = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n"

    private func certification(_ members: [String: JSONValue]) -> MetadataDouble {
        MetadataDouble(JSONValue.object(members).canonicalString())
    }

    // MARK: - SNP

    private func attestSNP(
        _ tpm: SoftwareTPM, _ service: MetadataDouble, check: @escaping EvidenceCheck = { _ in }
    ) async throws -> [UInt8] {
        try await AzureSNPAttester(
            tpm: AzureVTPM(configuration: tpm.configuration), metadata: service.metadata, check: check,
            threads: .singleton
        ).evidence(for: reportData)
    }

    @Test func `evidence of SNP has the members and bytes that verifiers read`() async throws {
        try await SoftwareTPM.run { tpm in
            let report = try Paravisor.snp(modulus: try await tpm.makeAttestationKey()).bytes
            try await tpm.store(report, at: Self.reportIndex)
            let service = certification(["vcekCert": pem, "tcbm": "0"])
            let bytes = try await attestSNP(tpm, service)

            let evidence = try Evidence(parsing: bytes)
            #expect(evidence.platform == .azureSNP)
            #expect(Set(evidence.members.keys) == ["version", "tpm_quote", "hcl_report", "vcek"])
            #expect(evidence.members["version"] == 1)
            #expect(evidence.members["hcl_report"] == .string(base64URL(report)))
            #expect(evidence.members["vcek"] == "MAMCAQU")
            let quote = try #require(evidence.members["tpm_quote"]?.objectValue)
            #expect(Set(quote.keys) == ["signature", "message", "pcrs"])
            let message = try #require(quote["message"]?.stringValue.flatMap { [UInt8](hexadecimal: $0) })
            let signature = try #require(quote["signature"]?.stringValue.flatMap { [UInt8](hexadecimal: $0) })
            #expect(quote["pcrs"]?.arrayValue?.count == 24)
            #expect(try await tpm.accepts(quote: message, signature: signature, over: reportData.bytes))
            #expect(
                service.requests == [
                    MetadataRequest(
                        method: "GET", url: "http://169.254.169.254/metadata/THIM/amd/certification",
                        headers: ["Metadata": "true"])
                ])
            #expect(try JSONValue(parsing: bytes).canonicalBytes() == bytes)
        }
    }

    @Test func `a real TPM's quote is verified to the chip maker's root`() async throws {
        try await SoftwareTPM.run { tpm in
            let paravisor = Paravisor.genuine(modulus: try await tpm.makeAttestationKey())
            try await tpm.store(paravisor.bytes, at: Self.reportIndex)
            let pem = DERWriter.pem(ChipVendor.shared.vcek)
            let verifier = EvidenceVerifier(roots: try ChipVendor.shared.roots())
            let time = try #require(Statement.Timestamp(text: ChipVendor.time))
            let bytes = try await attestSNP(tpm, certification(["vcekCert": .string(pem)])) { evidence in
                _ = try verifier.verify(evidence, at: time)
            }
            let verified = try verifier.verify(try Evidence(parsing: bytes), at: time)
            #expect(verified.binds(reportData.bytes))
            #expect(verified.launchDigest == ChipVendor.measurement)
            #expect(verified.pcrs?.count == 24)
            #expect(HardwarePolicy().reasons(against: verified).isEmpty)
        }
    }

    @Test func `evidence that the check rejects is not returned`() async throws {
        try await SoftwareTPM.run { tpm in
            let paravisor = try Paravisor.snp(modulus: try await tpm.makeAttestationKey())
            try await tpm.store(paravisor.bytes, at: Self.reportIndex)
            await #expect(throws: Refused()) {
                try await attestSNP(tpm, certification(["vcekCert": pem])) { _ in throw Refused() }
            }
        }
    }

    @Test func `an answer without a certificate is refused`() async throws {
        try await SoftwareTPM.run { tpm in
            let paravisor = try Paravisor.snp(modulus: try await tpm.makeAttestationKey())
            try await tpm.store(paravisor.bytes, at: Self.reportIndex)
            let answers = [
                "", "{}", "[]", #"{"vcekCert": null}"#, #"{"vcekCert": "x", "vcekCert": "y"}"#, #"{"vcekCert": "x"}"#,
            ]
            for answer in answers {
                await #expect(throws: DeviceError.self, "\(answer)") {
                    try await attestSNP(tpm, MetadataDouble(answer))
                }
            }
        }
    }

    @Test func `a TPM without the paravisor's report is no Azure TPM`() async throws {
        try await SoftwareTPM.run { tpm in
            await #expect(throws: DeviceError.malformed("the TPM", reason: "it holds no report of Azure's paravisor")) {
                try await attestSNP(tpm, certification(["vcekCert": pem]))
            }
        }
    }

    @Test(arguments: ["magic", "type", "length", "short", "empty", "other"])
    func `a paravisor's report of another form is refused`(fault: String) async throws {
        try await SoftwareTPM.run { tpm in
            let modulus = try await tpm.makeAttestationKey()
            var report = try Paravisor.snp(modulus: modulus).bytes
            switch fault {
            case "magic": report[0] = 0x49
            case "type": report[0x4C8] = 3
            case "length": report[0x4D2] = 1
            case "short": report.removeLast(report.count - 0x4D3)
            case "empty": report = [0]
            default: report = try Paravisor.tdx(modulus: modulus, userData: sixtyFourBytes).bytes
            }
            try await tpm.store(report, at: Self.reportIndex)
            await #expect {
                try await attestSNP(tpm, certification(["vcekCert": pem]))
            } throws: { error in
                if case DeviceError.malformed("the paravisor's report", _) = error { true } else { false }
            }
        }
    }

    // MARK: - TDX

    private func attestTDX(
        _ tpm: SoftwareTPM, _ service: MetadataDouble, renewal: Duration = .seconds(600)
    ) async throws -> [UInt8] {
        try await AzureTDXAttester(
            tpm: AzureVTPM(configuration: tpm.configuration), metadata: service.metadata, renewal: renewal,
            check: { _ in }, threads: .singleton
        ).evidence(for: reportData)
    }

    @Test func `evidence of TDX is made of the report that the paravisor renews`() async throws {
        try await SoftwareTPM.run { tpm in
            let modulus = try await tpm.makeAttestationKey()
            let zeros = [UInt8](repeating: 0, count: 64)
            try await tpm.store(try Paravisor.tdx(modulus: modulus, userData: zeros).bytes, at: Self.reportIndex)
            let quote = try Vectors.bytes("az-tdx/live/td_quote.bin")
            let service = certification(["quote": .string(base64URL(quote))])

            async let made = attestTDX(tpm, service)
            // The paravisor's part: as soon as there is new data, a report that carries them.
            try await eventually { try await tpm.stored(at: Self.userDataIndex) == sixtyFourBytes }
            #expect(service.requests.isEmpty)
            let renewed = try Paravisor.tdx(modulus: modulus, userData: sixtyFourBytes).bytes
            try await tpm.store(renewed, at: Self.reportIndex, defining: false)

            let evidence = try Evidence(parsing: try await made)
            #expect(evidence.platform == .azureTDX)
            #expect(Set(evidence.members.keys) == ["version", "tpm_quote", "hcl_report", "td_quote"])
            #expect(evidence.members["hcl_report"] == .string(base64URL(renewed)))
            #expect(evidence.members["td_quote"] == .string(base64URL(quote)))
            let body = #"{"report":"\#(base64URL(Array(renewed[0x20..<0x420])))"}"#
            #expect(
                service.requests == [
                    MetadataRequest(
                        method: "POST", url: "http://169.254.169.254/acc/tdquote",
                        headers: ["Content-Type": "application/json"], body: Array(body.utf8))
                ])
        }
    }

    @Test func `data are written over what an earlier build left`() async throws {
        try await SoftwareTPM.run { tpm in
            let modulus = try await tpm.makeAttestationKey()
            try await tpm.store(Array(repeating: 9, count: 64), at: Self.userDataIndex)
            let paravisor = try Paravisor.tdx(modulus: modulus, userData: sixtyFourBytes)
            try await tpm.store(paravisor.bytes, at: Self.reportIndex)
            _ = try await attestTDX(tpm, certification(["quote": "AAAA"]))
            #expect(try await tpm.stored(at: Self.userDataIndex) == sixtyFourBytes)
        }
    }

    @Test(arguments: [false, true])
    func `a report that is not renewed, or torn, is refused in the end`(isTorn: Bool) async throws {
        try await SoftwareTPM.run { tpm in
            let modulus = try await tpm.makeAttestationKey()
            var other = sixtyFourBytes
            other[0] ^= 1
            var report = try Paravisor.tdx(modulus: modulus, userData: isTorn ? sixtyFourBytes : other).bytes
            if isTorn { report[0x20 + 128] ^= 1 }
            try await tpm.store(report, at: Self.reportIndex)
            let service = certification(["quote": "AAAA"])
            await #expect(throws: DeviceError.notOurReportData("the paravisor's report")) {
                try await attestTDX(tpm, service, renewal: .zero)
            }
            #expect(service.requests.isEmpty)
        }
    }

    @Test(arguments: ["AA+/", "A", "AAAA\n", "AA==AA==", "AB", "AB=="])
    func `a quote in other letters than base64url is refused`(text: String) async throws {
        try await SoftwareTPM.run { tpm in
            let modulus = try await tpm.makeAttestationKey()
            let paravisor = try Paravisor.tdx(modulus: modulus, userData: sixtyFourBytes)
            try await tpm.store(paravisor.bytes, at: Self.reportIndex)
            await #expect(throws: DeviceError.metadata("TDX quote", reason: "what it gave is not base64url")) {
                try await attestTDX(tpm, certification(["quote": .string(text)]))
            }
        }
    }
}
