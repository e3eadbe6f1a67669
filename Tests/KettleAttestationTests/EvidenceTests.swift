import KettleAttestation
import KettleProvenance
import Testing

@Suite struct EvidenceTests {
    private let key = SoftwareKey()
    private let reportData = ReportData(
        statement: ContentDigest(of: "statement".utf8),
        nonce: BuildNonce(text: "000102030405060708090a0b0c0d0e0f") ?? .zero)

    private func made() async throws -> JSONValue {
        try JSONValue(parsing: try await SoftwareAttester(key: key).evidence(for: reportData))
    }

    private func verify(_ json: JSONValue) throws -> VerifiedSoftwareEvidence {
        try SoftwareEvidence(try Evidence(parsing: json.canonicalBytes())).verified()
    }

    @Test func `what the attester made is verified`() async throws {
        let verified = try verify(try await made())
        #expect(verified.reportData == reportData)
        #expect(verified.publicKey.fingerprint == key.fingerprint)
    }

    @Test func `evidence has the documented members`() async throws {
        let json = try await made()
        #expect(json["platform"] == "software")
        #expect(
            json["evidence"]?.objectValue?.keys.sorted() == ["algorithm", "public_key", "signature", "signed_data"])
        #expect(json["evidence"]?["algorithm"] == "ecdsa-p256-sha256")
        #expect(json["evidence"]?["signed_data"]?.stringValue == reportData.bytes.hexadecimal)
    }

    @Test(arguments: ["algorithm", "public_key", "signature", "signed_data"])
    func `a member that is missing, doubled, of another type or misspelled is refused`(name: String) async throws {
        let json = try await made()
        let members = try #require(json["evidence"]?.objectValue)
        let text = try #require(members[name]?.stringValue)
        let wrong: [JSONValue?] = [
            nil, .null, 7, [], "", .string(text + " "), .string(" " + text), .string(String(text.dropLast())),
            .string(text + "A"), .string(text.uppercased() == text ? text.lowercased() : text.uppercased()),
        ]
        for value in wrong {
            var changed = members
            changed[name] = value
            #expect(throws: EvidenceError.self, "\(name): \(String(describing: value))") {
                try verify(["platform": "software", "evidence": .object(changed)])
            }
        }
        var extended = members
        extended["\(name)2"] = .string(text)
        let unknown = #expect(throws: EvidenceError.self) {
            try verify(["platform": "software", "evidence": .object(extended)])
        }
        #expect(unknown?.reason == .format)
        #expect(unknown?.message == "the software evidence has an unknown member \"\(name)2\"")
        let doubled = json.canonicalString().replacing("\"\(name)\":", with: "\"\(name)\":\"x\",\"\(name)\":")
        #expect(throws: EvidenceError.self) { try Evidence(parsing: Array(doubled.utf8)) }
    }

    @Test(arguments: [
        (#"[]"#, "evidence.format"), (#"{}"#, "evidence.format"), (#"{"platform":"software"}"#, "evidence.format"),
        (#"{"evidence":{}}"#, "evidence.format"), (#"{"platform":1,"evidence":{}}"#, "evidence.format"),
        (#"{"platform":"software","evidence":[]}"#, "evidence.format"),
        (#"{"platform":"software","evidence":{},"x":1}"#, "evidence.format"),
        (#"{"platform":"Software","evidence":{}}"#, "evidence.platform"),
        (#"{"platform":"software\u0000","evidence":{}}"#, "evidence.platform"),
        (#"{"platform":"sgx","evidence":{}}"#, "evidence.platform"),
        (#"{"platform":"software","evidence":{}} "x""#, "evidence.format"),
        ("\u{FEFF}{\"platform\":\"software\",\"evidence\":{}}", "evidence.format"), ("", "evidence.format"),
    ])
    func `an envelope that is none is refused`(text: String, code: String) {
        let error = #expect(throws: EvidenceError.self) { try Evidence(parsing: Array(text.utf8)) }
        #expect(error?.code == code)
    }

    @Test(arguments: [
        ("snp", Platform.snp), ("gcp-snp", .snp), ("tdx", .tdx), ("gcp-tdx", .tdx), ("dstack", .tdx),
        ("az-snp", .azureSNP), ("az-tdx", .azureTDX),
    ])
    func `the names of hardware are known, and it is not software`(name: String, platform: Platform) throws {
        let evidence = try Evidence(parsing: Array(#"{"platform":"\#(name)","evidence":{}}"#.utf8))
        #expect(evidence.platform == platform)
        #expect(platform.isHardware)
        #expect(throws: EvidenceError.self) { try SoftwareEvidence(evidence) }
    }

    @Test func `a signature by another key or over other bytes is refused`() async throws {
        let json = try await made()
        let members = try #require(json["evidence"]?.objectValue)
        var otherKey = members
        otherKey["public_key"] = .string(Base64.encode(SoftwareKey().publicKey.der))
        let byAnother = #expect(throws: EvidenceError.self) {
            try verify(["platform": "software", "evidence": .object(otherKey)])
        }
        #expect(byAnother?.reason == .softwareSignature)
        var otherBytes = members
        otherBytes["signed_data"] = .string(String(repeating: "00", count: 48))
        let overOthers = #expect(throws: EvidenceError.self) {
            try verify(["platform": "software", "evidence": .object(otherBytes)])
        }
        #expect(overOthers?.reason == .softwareSignature)
    }

    @Test func `every changed bit of the key, the data and the signature is refused`() async throws {
        let json = try await made()
        let members = try #require(json["evidence"]?.objectValue)
        for name in ["public_key", "signature", "signed_data"] {
            let text = try #require(members[name]?.stringValue)
            let isHex = name == "signed_data"
            let bytes = try #require(isHex ? [UInt8](hexadecimal: text) : Base64.decode(text))
            for bit in 0..<bytes.count * 8 {
                var changed = bytes
                changed[bit / 8] ^= 1 << (bit % 8)
                var evidence = members
                evidence[name] = .string(isHex ? changed.hexadecimal : Base64.encode(changed))
                #expect(throws: EvidenceError.self, "\(name), bit \(bit)") {
                    try verify(["platform": "software", "evidence": .object(evidence)])
                }
            }
        }
    }

    @Test func `keys on other curves are refused`() {
        // A P-384 SubjectPublicKeyInfo made by OpenSSL.
        let der = Base64.decode(
            "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqofKIr6LBTeOscce8yCtdG4dO2KLp5uYWfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3NhfeSpYmLG9dnpi/"
                + "kpLcKfj0Hb0omhR86doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f")
        #expect(der.flatMap(SoftwarePublicKey.init(der:)) == nil)
        #expect(SoftwarePublicKey(der: []) == nil)
        #expect(SoftwarePublicKey(der: key.publicKey.der + [0]) == nil)
    }
}
