import Foundation
import KettleAttestation
import KettleDevices
import KettleProvenance
import KettleTesting
import NIOPosix
import SystemPackage
import Testing

@Suite(.needsConfigfsDouble, .timeLimit(.minutes(15)))
struct TDXAttesterTests {
    private func attest(
        _ quote: [UInt8], offset: Int, _ options: [String] = [], check: @escaping EvidenceCheck = { _ in }
    ) async throws -> [UInt8] {
        let scratch = try ScratchFolder()
        let file = scratch.path.appending("quote.bin")
        try Data(quote).write(to: URL(filePath: file.string))
        return try await ConfigfsDouble.run(
            template: file, ["--provider", "tdx_guest", "--offset", "\(offset)"] + options
        ) { double in
            try await TDXAttester(configfs: ConfigfsTSM(root: double.root), check: check, threads: .singleton)
                .evidence(for: reportData)
        }
    }

    @Test(arguments: [("tdx/v4-live", 568), ("tdx/v5-tdx15-gtg", 574)])
    func `evidence has the members and bytes that verifiers read`(vector: String, offset: Int) async throws {
        var quote = try Vectors.bytes("\(vector)/quote.bin")
        let bytes = try await attest(quote, offset: offset)
        quote.replaceSubrange(offset..<offset + 64, with: sixtyFourBytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"evidence":{"cc_eventlog":null,"quote":"\#(Base64.encode(quote))"},"platform":"tdx"}"#)
    }

    @Test func `a quote on other data is refused`() async throws {
        let quote = try Vectors.bytes("tdx/v4-live/quote.bin")
        await #expect(throws: DeviceError.notOurReportData("the TDX quote")) {
            try await attest(quote, offset: 568, ["--foreign-data"])
        }
    }

    @Test(arguments: [0, 3, 6, 0xFF])
    func `a quote of an unknown version is refused`(version: UInt8) async throws {
        var quote = try Vectors.bytes("tdx/v4-live/quote.bin")
        quote[0] = version
        await #expect(throws: DeviceError.malformed("the TDX quote", reason: "the quote's version is unknown")) {
            try await attest(quote, offset: 568)
        }
    }

    @Test func `a quote that ends too early is refused`() async throws {
        let quote = try Vectors.bytes("tdx/v4-live/quote.bin")
        for count in [2, 100, 631, 1000] {
            await #expect {
                try await attest(Array(quote.prefix(count)), offset: 0)
            } throws: { error in
                if case DeviceError.malformed("the TDX quote", _) = error { true } else { false }
            }
        }
    }

    @Test func `evidence that the check rejects is not returned`() async throws {
        let quote = try Vectors.bytes("tdx/v4-live/quote.bin")
        await #expect(throws: Refused()) {
            try await attest(quote, offset: 568) { _ in throw Refused() }
        }
    }

    @Test func `an SNP machine makes no TDX evidence`() async throws {
        let quote = try Vectors.bytes("tdx/v4-live/quote.bin")
        await #expect(throws: DeviceError.foreignProvider("sev_guest", expected: "tdx_guest")) {
            try await attest(quote, offset: 568, ["--provider", "sev_guest"])
        }
    }
}
