import KettleAttestation
import KettleProvenance
import Testing

@Suite struct BuildNonceTests {
    private let hex = "00112233445566778899aabbccddeeff"

    @Test(arguments: [
        "00112233445566778899aabbccddeeff", "00112233445566778899AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeeff",
        "0-0-112233445566778899aabbccddeef-f",
    ])
    func `hexadecimal digits are read with dashes between them`(text: String) {
        #expect(BuildNonce(text: text)?.hex == hex)
    }

    @Test(arguments: [
        "", "-", "00", "00112233445566778899aabbccddeef", "00112233445566778899aabbccddeeff0",
        "00112233445566778899aabbccddeeff00", "-00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff-",
        "00112233--445566778899aabbccddeeff", "0x112233445566778899aabbccddeeff", "00112233445566778899aabbccddeefg",
        "00112233445566778899aabbccddee f", " 0112233445566778899aabbccddeeff", "０0112233445566778899aabbccddeeff",
        String(repeating: "0", count: 100_000),
    ])
    func `anything else is no nonce`(text: String) {
        #expect(BuildNonce(text: text) == nil)
    }

    @Test func `a nonce has 16 bytes`() {
        #expect(BuildNonce(bytes: Array(repeating: 0, count: 15)) == nil)
        #expect(BuildNonce(bytes: Array(repeating: 0, count: 17)) == nil)
        #expect(BuildNonce(bytes: Array(repeating: 0, count: 16)) == .zero)
        #expect(BuildNonce.zero.hex == String(repeating: "0", count: 32))
    }

    @Test func `report data is the digest and then the nonce`() throws {
        let nonce = try #require(BuildNonce(text: hex))
        let digest = ContentDigest(of: "statement".utf8)
        let data = ReportData(statement: digest, nonce: nonce)
        #expect(data.bytes.hexadecimal == digest.hex + hex)
        #expect(ReportData(bytes: data.bytes) == data)
        for count in [0, 32, 47, 49, 64] { #expect(ReportData(bytes: Array(repeating: 0, count: count)) == nil) }
    }
}
