import KettleAttestation
import KettleProvenance
import Testing

@testable import KettleClient

@Suite struct AnswerTests {
    private static let key = [UInt8]((0..<91).map { UInt8($0) })
    private static let nonce = BuildNonce(text: "00112233445566778899aabbccddeeff") ?? .zero

    private static let members: [String: JSONValue] = [
        "tls_public_key": .string(Base64.encode(key)), "nonce": .string(nonce.hex),
        "evidence": ["platform": "software", "evidence": ["algorithm": "x"]],
    ]

    private func read(_ members: [String: JSONValue]) throws -> AttestationAnswer {
        try AttestationAnswer(parsing: JSONValue.object(members).canonicalBytes())
    }

    @Test func `an answer is read, and says what must have been signed`() throws {
        let answer = try read(Self.members)
        #expect(answer.key == Self.key)
        #expect(answer.nonce == Self.nonce)
        #expect(answer.evidence.platform == .software)
        let data = try answer.checked(against: Self.key, Self.nonce)
        #expect(data.statement == ContentDigest(of: Self.key + Self.nonce.bytes))
        #expect(data.nonce == .zero)
    }

    @Test func `an answer for another key or nonce is refused`() throws {
        let answer = try read(Self.members)
        for place in Self.key.indices {
            var other = Self.key
            other[place] ^= 1
            #expect(throws: ServiceError.attestsToOtherKey) { try answer.checked(against: other, Self.nonce) }
        }
        #expect(throws: ServiceError.attestsToOtherKey) { try answer.checked(against: Self.key + [0], Self.nonce) }
        for place in Self.nonce.bytes.indices {
            var bytes = Self.nonce.bytes
            bytes[place] ^= 1
            let other = try #require(BuildNonce(bytes: bytes))
            #expect(throws: ServiceError.attestsToOtherNonce) { try answer.checked(against: Self.key, other) }
        }
    }

    @Test(arguments: ["tls_public_key", "nonce", "evidence"])
    func `every member has to be there, and of its type`(name: String) {
        var without = Self.members
        without[name] = nil
        #expect(throws: ServiceError.self) { try read(without) }
        for value: JSONValue in [.null, 7, "", [], [:], "x"] {
            var other = Self.members
            other[name] = value
            #expect(throws: (any Error).self) { try read(other) }
        }
    }

    @Test func `another spelling of the same is refused`() {
        func changed(_ name: String, _ value: JSONValue) -> [String: JSONValue] {
            Self.members.merging([name: value]) { $1 }
        }
        let encoded = Base64.encode(Self.key)
        for members in [
            changed("nonce", "00112233-4455-6677-8899-aabbccddeeff"),
            changed("nonce", "00112233445566778899AABBCCDDEEFF"),
            changed("tls_public_key", .string(encoded + "\n")),
            changed("tls_public_key", .string(encoded.replacing("=", with: ""))), changed("more", 1),
            changed("evidence", ["platform": "software"]),
            changed("evidence", ["platform": "abacus", "evidence": [:]]),
            changed("evidence", ["platform": "software", "evidence": [:], "more": 1]),
        ] {
            #expect(throws: (any Error).self) { try read(members) }
        }
    }

    @Test(arguments: ["", "[]", "null", "{", "{} {}", #"{"nonce":"a","nonce":"a"}"#, "\u{FEFF}{}"])
    func `what is no such object is refused`(text: String) {
        #expect(throws: (any Error).self) { try AttestationAnswer(parsing: Array(text.utf8)) }
    }

    @Test func `a cut answer is refused wherever it is cut`() {
        let whole = JSONValue.object(Self.members).canonicalBytes()
        for length in 0..<whole.count {
            #expect(throws: (any Error).self) { try AttestationAnswer(parsing: Array(whole.prefix(length))) }
        }
    }
}
