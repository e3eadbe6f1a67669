import KettleAttestation
import KettleDevices
import KettleProvenance
import Testing

@Suite struct CertificateTableTests {
    private let vcek: [UInt8] = [0x30, 0x03, 0x02, 0x01, 0x05]
    private let other: [UInt8] = [0x30, 0x03, 0x02, 0x01, 0x06]
    private let unknown = "11111111-2222-3333-4444-555555555555"

    /// A table as hosts write it; each entry's place can be set askew.
    private func table(
        _ entries: [(guid: String, bytes: [UInt8])], offset shift: Int = 0, length growth: Int = 0, ended: Bool = true
    ) -> [UInt8] {
        var head: [UInt8] = []
        var body: [UInt8] = []
        let headByteCount = 24 * (entries.count + (ended ? 1 : 0))
        for (index, entry) in entries.enumerated() {
            let isLast = index == entries.count - 1
            head += guid(entry.guid) + littleEndian(headByteCount + body.count + (isLast ? shift : 0))
            head += littleEndian(entry.bytes.count + (isLast ? growth : 0))
            body += entry.bytes
        }
        return head + (ended ? [UInt8](repeating: 0, count: 24) : []) + body
    }

    private func guid(_ text: String) -> [UInt8] {
        let digits = Array(text.filter { $0 != "-" })
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }

    private func littleEndian(_ value: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian, Array.init)
    }

    private func refused(_ reason: String) -> DeviceError {
        .malformed("the host's certificate table", reason: reason)
    }

    // MARK: - Tables

    @Test func `a real host's table of PEM gives DER`() throws {
        let table = try CertificateTable(parsing: Vectors.bytes("snp/genoa-v3-configfs-tsm/auxblob.bin"))
        #expect(table.certificates[.vcek] == (try Vectors.bytes("snp/genoa-v3-configfs-tsm/vek.der")))
        #expect(Set(table.certificates.keys) == [.vcek, .ask, .ark])
    }

    @Test func `a real table cut short anywhere is refused`() throws {
        let bytes = try Vectors.bytes("snp/genoa-v3-configfs-tsm/auxblob.bin")
        for count in Array(1..<200) + Array(stride(from: 200, to: bytes.count, by: 61)) + [bytes.count - 1] {
            #expect(throws: DeviceError.self, "\(count) bytes") {
                try CertificateTable(parsing: Array(bytes.prefix(count)))
            }
        }
    }

    @Test func `any byte of a real table's head changed is survived`() throws {
        let bytes = try Vectors.bytes("snp/genoa-v3-configfs-tsm/auxblob.bin")
        let whole = try CertificateTable(parsing: bytes).certificates
        for index in 0..<96 {
            for mask in [UInt8(1), 0x80, 0xFF] {
                var changed = bytes
                changed[index] ^= mask
                let read = try? CertificateTable(parsing: changed).certificates
                #expect((read ?? [:]).allSatisfy { whole[$0.key] == $0.value })
            }
        }
    }

    @Test func `no bytes are a table without entries`() throws {
        #expect(try CertificateTable(parsing: []).certificates.isEmpty)
        #expect(try CertificateTable(parsing: Array(repeating: 0, count: 24)).certificates.isEmpty)
        #expect(try CertificateTable(parsing: Array(repeating: 0, count: 4096)).certificates.isEmpty)
    }

    @Test(arguments: CertificateTable.Kind.allCases)
    func `each kind is told by its GUID`(kind: CertificateTable.Kind) throws {
        #expect(try CertificateTable(parsing: table([(kind.rawValue, vcek)])).certificates == [kind: vcek])
    }

    @Test func `an entry of unknown kind is passed over, whatever it holds`() throws {
        let bytes = table([(unknown, [1, 2, 3]), (CertificateTable.Kind.vcek.rawValue, vcek)])
        #expect(try CertificateTable(parsing: bytes).certificates == [.vcek: vcek])
    }

    @Test func `two entries of one kind are refused`() {
        let bytes = table([(CertificateTable.Kind.vcek.rawValue, vcek), (CertificateTable.Kind.vcek.rawValue, other)])
        #expect(throws: refused("it has two entries of vcek")) { try CertificateTable(parsing: bytes) }
    }

    @Test func `a table without an end is refused`() {
        #expect(throws: refused("it ends before its last entry")) {
            try CertificateTable(parsing: Array(table([(CertificateTable.Kind.vcek.rawValue, vcek)]).prefix(47)))
        }
        #expect(throws: refused("it ends before its last entry")) {
            try CertificateTable(parsing: Array(repeating: 0, count: 23))
        }
    }

    @Test(arguments: ["63da758d-e664-4564-adc5-f4b93be8accd", "11111111-2222-3333-4444-555555555555"])
    func `an entry must lie inside the table`(guid: String) {
        #expect(throws: refused("an entry ends outside of it")) {
            try CertificateTable(parsing: table([(guid, vcek)], length: 1))
        }
        #expect(throws: refused("an entry ends outside of it")) {
            try CertificateTable(parsing: table([(guid, vcek)], offset: 1))
        }
        #expect(throws: refused("an entry ends outside of it")) {
            let most = Int(UInt32.max)
            return try CertificateTable(parsing: table([(guid, vcek)], offset: most - 48, length: most - 5))
        }
    }

    @Test(arguments: [1, 24, 48])
    func `an entry must not lie in the table's head`(back: Int) {
        #expect(throws: refused("entries overlap")) {
            try CertificateTable(parsing: table([(CertificateTable.Kind.vcek.rawValue, vcek)], offset: -back))
        }
    }

    @Test func `entries must not overlap`() {
        let entries = [(CertificateTable.Kind.ask.rawValue, other), (CertificateTable.Kind.vcek.rawValue, vcek)]
        #expect(throws: refused("entries overlap")) { try CertificateTable(parsing: table(entries, offset: -1)) }
        #expect(throws: refused("entries overlap")) { try CertificateTable(parsing: table(entries, offset: -5)) }
    }

    @Test func `an empty entry is refused`() {
        #expect(throws: refused("an entry is empty")) {
            try CertificateTable(parsing: table([(CertificateTable.Kind.vcek.rawValue, vcek)], length: -5))
        }
    }

    /// Tables with a few fields changed at random. None may end the process, and whatever is read is a certificate that is
    /// in the bytes.
    @Test func `tables made up at random are read or refused`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SplitMix64(state: seed)
        let kinds = CertificateTable.Kind.allCases.map(\.rawValue) + [unknown]
        var read = 0
        for _ in 0..<20_000 {
            let entries = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                (
                    guid: kinds.randomElement(using: &generator) ?? unknown,
                    bytes: Bool.random(using: &generator) ? vcek : other
                )
            }
            var bytes = table(entries, ended: Int.random(in: 0..<8, using: &generator) > 0)
            for _ in 0..<Int.random(in: 0...2, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] = [0, 1, 0x30, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
            }
            bytes.removeLast(
                Int.random(in: 0..<4, using: &generator) == 0 ? Int.random(in: 0...bytes.count, using: &generator) : 0)
            guard let table = try? CertificateTable(parsing: bytes) else { continue }
            read += 1
            for certificate in table.certificates.values {
                let isThere = bytes.indices.contains { bytes[$0...].starts(with: certificate) }
                #expect(isThere && certificate[0] == 0x30, "seed \(seed): \(bytes.hexadecimal)")
            }
        }
        #expect(read > 1000, "seed \(seed)")
    }

    // MARK: - Certificates

    private func read(_ bytes: [UInt8]) throws -> [UInt8]? {
        try CertificateTable(parsing: table([(CertificateTable.Kind.vcek.rawValue, bytes)])).certificates[.vcek]
    }

    @Test(arguments: [
        "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\r\nMAMCAQU=\r\n-----END CERTIFICATE-----\r\n",
    ])
    func `PEM becomes DER`(pem: String) throws {
        #expect(try read(Array(pem.utf8)) == vcek)
    }

    @Test(arguments: ["\n", "\r\n"]) func `PEM has lines of 64 letters`(end: String) throws {
        let vek = try Vectors.bytes("snp/genoa-v3-configfs-tsm/vek.der")
        let letters = Array(Base64.encode(vek))
        func pem(width: Int) -> [UInt8] {
            let lines = stride(from: 0, to: letters.count, by: width).map { start in
                String(letters[start..<min(start + width, letters.count)])
            }
            let all = ["-----BEGIN CERTIFICATE-----"] + lines + ["-----END CERTIFICATE-----", ""]
            return Array(all.joined(separator: end).utf8)
        }
        #expect(try read(pem(width: 64)) == vek)
        for width in [4, 60, 76, letters.count] {
            #expect(throws: DeviceError.self) { try read(pem(width: width)) }
        }
    }

    @Test(arguments: [
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAMCAQU\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAMCAQV=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAMCAQUA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n", "MAMCAQU=", "\u{0}",
        "-----BEGIN PUBLIC KEY-----\nMAMCAQU=\n-----END PUBLIC KEY-----\n",
        "x\n-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\nx",
        """
        -----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----
        -----BEGIN CERTIFICATE-----\nMAMCAQY=\n-----END CERTIFICATE-----\n
        """,
    ])
    func `other text is no certificate`(pem: String) {
        #expect(throws: DeviceError.self) { try read(Array(pem.utf8)) }
    }

    @Test(arguments: [
        [0x30], [0x30, 0x80, 0x00, 0x00], [0x30, 0x04, 0x02, 0x01, 0x05], [0x30, 0x02, 0x02, 0x01, 0x05],
        [0x30, 0x81], [0x30, 0x82, 0x01, 0x00], [0x30, 0x84, 0, 0, 0, 1, 0], [0x30, 0x03, 0x02, 0x01, 0x05, 0x00],
        [0x31, 0x03, 0x02, 0x01, 0x05],
    ])
    func `DER must be one whole sequence`(bytes: [UInt8]) {
        #expect(throws: DeviceError.self) { try read(bytes) }
    }
}

/// Sebastiano Vigna's generator, so that a seed gives the same tables again.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
