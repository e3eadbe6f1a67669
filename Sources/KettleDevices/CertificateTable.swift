import KettleAttestation
import KettleProvenance

/// The certificates that a host hands its SNP guests along with a report (auxblob of configfs-tsm, extended report of
/// /dev/sev-guest).
///
/// Entries of 24 bytes: GUID 16, offset u32, length u32, little-endian, ended by a zero GUID; then the certificates (AMD
/// 56421 rev. 2.03, section 4.1.8.1). The host fills it and vouches for nothing: a certificate counts only as far as its
/// chain carries. Whatever has no sound place in the table is refused.
package struct CertificateTable: Hashable, Sendable {
    /// What an entry holds.
    package enum Kind: String, CaseIterable, Sendable {
        case vcek = "63da758d-e664-4564-adc5-f4b93be8accd"
        case vlek = "a8074bc2-a25a-483e-aae6-39c045a0b8a1"
        case ask = "4ab7b379-bbac-4fe4-a02f-05aef327c782"
        case ark = "c0b406a4-a803-4952-9743-3fb6014cd0ae"

        /// The kind of an entry whose GUID has these 16 bytes, in the order of the text.
        fileprivate init?(guid: ArraySlice<UInt8>) {
            let text = Array(guid).hexadecimal
            guard let kind = Self.allCases.first(where: { $0.rawValue.filter { $0 != "-" } == text }) else {
                return nil
            }
            self = kind
        }
    }

    /// The known certificates in DER, whatever form they had in the table. Entries of other kinds are passed over.
    package let certificates: [Kind: [UInt8]]

    /// Reads a table. No bytes at all are a table without entries.
    package init(parsing bytes: [UInt8]) throws(DeviceError) {
        guard !bytes.isEmpty else {
            certificates = [:]
            return
        }
        var certificates: [Kind: [UInt8]] = [:]
        for (guid, range) in try Self.entries(of: bytes) {
            guard let kind = Kind(guid: guid) else { continue }
            guard certificates[kind] == nil else { throw Self.malformed("it has two entries of \(kind)") }
            guard let der = PEM.oneCertificate(in: Array(bytes[range])) else { throw .noCertificate }
            certificates[kind] = der
        }
        self.certificates = certificates
    }

    /// Reads the entries up to the zero GUID, and checks that each lies behind the last of them, inside the table and apart
    /// from the others.
    private static func entries(of bytes: [UInt8]) throws(DeviceError) -> [(guid: ArraySlice<UInt8>, range: Range<Int>)]
    {
        var entries: [(guid: ArraySlice<UInt8>, range: Range<Int>)] = []
        var reader = ByteReader(bytes[...])
        while true {
            guard let guid = reader.take(16), let offset = reader.uint32LittleEndian(),
                let length = reader.uint32LittleEndian()
            else { throw malformed("it ends before its last entry") }
            if guid.allSatisfy({ $0 == 0 }) { break }
            // Two 32-bit numbers cannot overflow a 64-bit sum.
            entries.append((guid, offset..<offset + length))
        }
        var end = bytes.count - reader.remaining
        for (_, range) in entries.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            guard !range.isEmpty else { throw malformed("an entry is empty") }
            guard range.lowerBound >= end else { throw malformed("entries overlap") }
            guard range.upperBound <= bytes.count else { throw malformed("an entry ends outside of it") }
            end = range.upperBound
        }
        return entries
    }

    private static func malformed(_ reason: String) -> DeviceError {
        .malformed("the host's certificate table", reason: reason)
    }
}
