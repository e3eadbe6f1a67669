import KettleAttestation
import KettleProvenance
import KettleVerify
import Testing

/// Every accepted bundle has refused siblings: each byte changed, each cut.
@Suite struct TamperingTests {
    @Test(.timeLimit(.minutes(5)), arguments: [0x01, 0x20, 0x80] as [UInt8])
    func `every changed byte of the statement is rejected`(mask: UInt8) async throws {
        try await expectRejection(of: "provenance.json") { $0 ^ mask }
    }

    @Test(.timeLimit(.minutes(5)), arguments: 0..<8)
    func `every changed bit of the evidence is rejected`(bit: Int) async throws {
        try await expectRejection(of: "evidence.json") { $0 ^ (1 << bit) }
    }

    @Test(arguments: [UInt8(ascii: " "), 0x00, UInt8(ascii: "0"), UInt8(ascii: "\""), UInt8(ascii: "}")])
    func `every byte of the evidence overwritten is rejected`(byte: UInt8) async throws {
        try await expectRejection(of: "evidence.json") { _ in byte }
    }

    private func expectRejection(of path: String, changing change: (UInt8) -> UInt8) async throws {
        let sample = SampleBundle()
        let contents = try await sample.contents()
        let bytes = try #require(contents[path])
        #expect(sample.verifier.verify(try UnverifiedBundle(contents: contents)).outcome == .accepted)
        for index in bytes.indices where change(bytes[index]) != bytes[index] {
            var changed = contents
            changed[path]?[index] = change(bytes[index])
            let verdict = sample.verifier.verify(try UnverifiedBundle(contents: changed))
            #expect(verdict.outcome == .rejected, "\(path), byte \(index)")
            #expect(verdict.verified == nil)
        }
    }

    @Test(arguments: ["provenance.json", "evidence.json"])
    func `every cut and every appended byte is rejected`(path: String) async throws {
        let sample = SampleBundle()
        let contents = try await sample.contents()
        let bytes = try #require(contents[path])
        var variants = (0..<bytes.count).map { Array(bytes[..<$0]) }
        variants += [bytes + [0], bytes + Array("{}".utf8), bytes + bytes]
        for variant in variants {
            var changed = contents
            changed[path] = variant
            #expect(sample.verifier.verify(try UnverifiedBundle(contents: changed)).outcome == .rejected)
        }
    }

    @Test func `a statement in another layout is rejected although its key signed it so`() async throws {
        let canonical = SampleBundle.statement.json.canonicalString()
        for text in [
            canonical + "\n", " " + canonical, canonical.replacing(",\"", with: ", \""),
            canonical.replacing("https:", with: "http\\u0073:"), canonical.replacing("/", with: "\\/"),
        ] {
            var sample = SampleBundle()
            sample.statementBytes = Array(text.utf8)
            #expect(try await sample.verdict().failures == ["provenance.canonical"])
        }
    }

    @Test func `evidence for another statement is rejected`() async throws {
        let first = SampleBundle()
        var second = SampleBundle.with { $0.invocationID = "fedcba987654321001234567" }
        second.key = first.key
        let other = try await second.contents()["evidence.json"]
        let verdict = try await first.verdict { $0["evidence.json"] = other }
        #expect(verdict.failures == ["binding.mismatch"])
    }
}
