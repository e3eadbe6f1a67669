import KettleAttestation
import KettleDevices
import KettleProvenance
import KettleTesting
import Testing

@Suite(.needsSoftwareTPM, .timeLimit(.minutes(15)))
struct AzureVTPMTests {
    @Test func `a quote is over the report data and the registers that come with it`() async throws {
        try await SoftwareTPM.run { tpm in
            _ = try await tpm.makeAttestationKey()
            try await tpm.extend(0)
            try await tpm.extend(23)
            let quote = try AzureVTPM(configuration: tpm.configuration).quote(over: reportData.bytes)
            #expect(quote.registers.count == 24)
            #expect(quote.registers.allSatisfy { $0.count == 32 })
            #expect(quote.registers[0] != quote.registers[1])
            #expect(quote.message.suffix(32) == ContentDigest(of: quote.registers.joined()).bytes[...])
            #expect(quote.signature.count == 256)
            #expect(
                try await tpm.accepts(quote: quote.message, signature: quote.signature, over: reportData.bytes))
            var other = reportData.bytes
            other[47] ^= 1
            #expect(try await !tpm.accepts(quote: quote.message, signature: quote.signature, over: other))
        }
    }

    @Test func `more bytes than a TPM signs are refused`() async throws {
        try await SoftwareTPM.run { tpm in
            _ = try await tpm.makeAttestationKey()
            #expect(throws: DeviceError.self) {
                try AzureVTPM(configuration: tpm.configuration).quote(over: Array(repeating: 1, count: 100))
            }
        }
    }

    @Test func `a TPM without the attestation key does not quote`() async throws {
        try await SoftwareTPM.run { tpm in
            // TPM_RC_HANDLE of a persistent object that is not there.
            #expect(throws: DeviceError.tpm(step: "quote", code: 0x18B)) {
                try AzureVTPM(configuration: tpm.configuration).quote(over: reportData.bytes)
            }
        }
    }

    @Test func `a TPM that cannot be reached is an error`() throws {
        let port = LoopbackListener.freePair()
        #expect(throws: DeviceError.self) {
            try AzureVTPM(configuration: "swtpm:host=127.0.0.1,port=\(port)").quote(over: reportData.bytes)
        }
        #expect(throws: DeviceError.self) {
            try AzureVTPM(configuration: "nonsense").quote(over: reportData.bytes)
        }
    }

    // MARK: - While the machine goes on

    @Test func `a quote is made anew when a register changed before it was read`() async throws {
        try await SoftwareTPM.run { tpm in
            _ = try await tpm.makeAttestationKey()
            try await tpm.relayed(["--extend-after-quote", "4"]) { moving in
                let quote = try AzureVTPM(configuration: moving.configuration).quote(over: reportData.bytes)
                #expect(quote.message.suffix(32) == ContentDigest(of: quote.registers.joined()).bytes[...])
                #expect(quote.registers[16] != Array(repeating: 0, count: 32))
            }
        }
    }

    @Test func `registers that never rest are given up`() async throws {
        try await SoftwareTPM.run { tpm in
            _ = try await tpm.makeAttestationKey()
            try await tpm.relayed(["--extend-after-quote", "5"]) { moving in
                #expect(throws: DeviceError.registersMoved(attempts: 5)) {
                    try AzureVTPM(configuration: moving.configuration).quote(over: reportData.bytes)
                }
            }
        }
    }

    @Test func `a busy TPM is asked again`() async throws {
        try await SoftwareTPM.run { tpm in
            _ = try await tpm.makeAttestationKey()
            try await tpm.relayed(["--busy", "15"]) { busy in
                #expect(throws: Never.self) {
                    try AzureVTPM(configuration: busy.configuration).quote(over: reportData.bytes)
                }
            }
        }
    }

    @Test func `a TPM that stays busy is given up`() async throws {
        try await SoftwareTPM.run { tpm in
            _ = try await tpm.makeAttestationKey()
            try await tpm.relayed(["--busy", "20"]) { busy in
                #expect(throws: DeviceError.tpm(step: "quote", code: 0x922)) {
                    try AzureVTPM(configuration: busy.configuration).quote(over: reportData.bytes)
                }
            }
        }
    }
}
