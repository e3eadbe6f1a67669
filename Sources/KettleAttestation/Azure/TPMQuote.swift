internal import Crypto
internal import CryptoExtras
import KettleProvenance

/// A quote of a TPM 2.0: what it signed, the signature, and the values of the registers that it is about.
package struct TPMQuote {
    /// TPMS_ATTEST as it was signed.
    let message: [UInt8]
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    let signature: [UInt8]
    /// SHA-256 values of PCR 0 and on.
    let pcrs: [[UInt8]]

    /// How many PCRs a TPM for PCs has (TCG PC Client Platform TPM Profile 1.05, section 4.6.1).
    private static let pcrCount = 24

    package init(message: [UInt8], signature: [UInt8], pcrs: [[UInt8]]) {
        self.message = message
        self.signature = signature
        self.pcrs = pcrs
    }

    /// Verifies the quote.
    ///
    /// - Parameter modulus: Of the RSA-2048 key that has to have signed, exponent 65,537.
    /// - Returns: extraData: what the one who asked for the quote wanted signed along.
    /// - Throws: ``EvidenceError`` with a reason that begins with `tpm.`.
    package func verified(by modulus: [UInt8]) throws(EvidenceError) -> [UInt8] {
        guard signature.count == 256,
            let key = try? _RSA.Signing.PublicKey(n: modulus, e: [1, 0, 1] as [UInt8]),
            key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature), for: SHA256.hash(data: message),
                padding: .insecurePKCS1v1_5)
        else { throw EvidenceError(.tpmSignature, "the TPM quote is not signed by the attestation key") }
        return try extraData()
    }

    /// Reads TPMS_ATTEST, big-endian (TCG TPM 2.0 Library, part 2, section 10.12.12).
    package func extraData() throws(EvidenceError) -> [UInt8] {
        let malformed = EvidenceError(.tpmFormat, "the TPM quote's lengths do not add up")
        var reader = ByteReader(message[...])
        guard let magic = reader.uint32BigEndian() else { throw malformed }
        // A restricted key signs any bytes that a guest hands it unless they begin with this number.
        guard magic == 0xFF54_4347 else {
            throw EvidenceError(.tpmMagic, "the attestation key signed something that is not of the TPM's making")
        }
        guard let type = reader.uint16BigEndian() else { throw malformed }
        // Other structures carry extraData too.
        guard type == 0x8018 else {
            throw EvidenceError(
                .tpmType, "the TPM signed something that is not a quote", expected: "0x8018",
                actual: "0x\(String(type, radix: 16))")
        }
        // qualifiedSigner, extraData, clockInfo (17), firmwareVersion (8), and the number of selections.
        guard reader.sized() != nil, let extraData = reader.sized(), reader.take(17) != nil, reader.take(8) != nil,
            let selections = reader.uint32BigEndian()
        else { throw malformed }
        let selection = EvidenceError(
            .tpmSelection, "the TPM quote is not about exactly the \(Self.pcrCount) SHA-256 registers that are given")
        guard selections == 1 else { throw selection }
        guard let bank = reader.uint16BigEndian(), let size = reader.uint8(), let bitmap = reader.take(Int(size)) else {
            throw malformed
        }
        guard bank == 0x000B, bitmap.elementsEqual([0xFF, 0xFF, 0xFF]), pcrs.count == Self.pcrCount else {
            throw selection
        }
        guard let digest = reader.sized(), reader.remaining == 0 else { throw malformed }
        guard pcrs.allSatisfy({ $0.count == 32 }), Array(SHA256.hash(data: Array(pcrs.joined()))) == Array(digest)
        else { throw EvidenceError(.tpmPCRs, "the registers' values are not those that the TPM quoted") }
        return Array(extraData)
    }
}
