import Foundation
import KettleAttestation
import KettleProvenance
import KettleTesting
import Testing

/// No bit of genuine evidence can be flipped unseen.
///
/// Every bit of a report, its certificate and a TPM message is flipped, and of all others every bit of bytes chosen by a seed. With
/// `KETTLE_EXHAUSTIVE=1`, in a release build, every bit of everything: one and a half million verifications, three minutes.
@Suite struct BitFlipTests {
    private static let isExhaustive = ProcessInfo.processInfo.environment["KETTLE_EXHAUSTIVE"] != nil
    /// Parts all of whose bits are flipped always.
    private static let whole: Set = [
        "snp/turin-v5-azure-bare report", "snp/turin-v5-azure-bare certificate", "az-snp/milan-v3-live TPM message",
    ]

    /// A part of a vector's evidence, and what verifies the vector with another in its place.
    private struct Part {
        let name: String
        let bytes: [UInt8]
        let verify: ([UInt8]) throws -> Void
    }

    private static let genuine = EvidenceVector.evidence.filter { $0.isValid && !$0.name.hasPrefix("synthetic/") }

    @Test(arguments: genuine) func `a flipped bit is refused`(vector: EvidenceVector) throws {
        for part in try parts(of: vector) {
            try part.verify(part.bytes)
            var unseen: [Int] = []
            for byte in places(in: part, of: vector) {
                var changed = part.bytes
                for bit in 0..<8 {
                    changed[byte] ^= 1 << bit
                    if (try? part.verify(changed)) != nil { unseen.append(byte * 8 + bit) }
                    changed[byte] ^= 1 << bit
                }
            }
            #expect(unseen == [], "\(part.name)")
        }
    }

    private func places(in part: Part, of vector: EvidenceVector) -> [Int] {
        if Self.isExhaustive || Self.whole.contains("\(vector.name) \(part.name)") { return Array(part.bytes.indices) }
        let seed = UInt64.random(in: 1 ... .max)
        print("\(vector.name), \(part.name): seed \(seed)")
        var state = seed
        return (0..<24).map { _ in
            // Knuth, TAOCP volume 2, section 3.3.4.
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % part.bytes.count
        }
    }

    private func parts(of vector: EvidenceVector) throws -> [Part] {
        let verifier = try vector.verifier()
        let time = try vector.time
        switch vector.name.split(separator: "/").first {
        case "snp":
            let (report, key) = (try vector.file("report.bin"), try vector.file("vek.der"))
            let snp = SNPVerification(roots: verifier.roots, revocations: nil, time: time)
            return [
                Part(name: "report", bytes: report) { _ = try snp.verify($0, endorsement: key) },
                Part(name: "certificate", bytes: key) { _ = try snp.verify(report, endorsement: $0) },
            ]
        case "tdx":
            let tdx = TDXVerification(roots: verifier.roots, collateral: nil, time: time)
            return [Part(name: "quote", bytes: try vector.file("quote.bin")) { _ = try tdx.verify($0) }]
        default:
            return try azureParts(of: vector, verifier, time)
        }
    }

    private func azureParts(
        of vector: EvidenceVector, _ verifier: EvidenceVerifier, _ time: Statement.Timestamp
    ) throws -> [Part] {
        let json = try JSONValue(parsing: try vector.file("evidence.json"))
        let members = try #require(json["evidence"]?.objectValue)
        let quote = try #require(members["tpm_quote"]?.objectValue)
        func verify(_ changed: [String: JSONValue]) throws {
            let envelope: JSONValue = ["platform": json["platform"] ?? .null, "evidence": .object(changed)]
            _ = try verifier.verify(try Evidence(parsing: envelope.canonicalBytes()), at: time)
        }
        func url(_ bytes: [UInt8]) -> JSONValue {
            .string(Base64.encode(bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: ""))
        }
        func with(_ name: String) -> ([UInt8]) throws -> Void {
            { bytes in try verify(members.merging([name: url(bytes)]) { $1 }) }
        }
        func withQuote(_ name: String) -> ([UInt8]) throws -> Void {
            { bytes in
                let changed = quote.merging([name: .string(bytes.hexadecimal)]) { $1 }
                try verify(members.merging(["tpm_quote": .object(changed)]) { $1 })
            }
        }
        var parts = [
            Part(name: "TPM message", bytes: try vector.file("tpm_attest.bin"), verify: withQuote("message")),
            Part(name: "TPM signature", bytes: try vector.file("tpm_signature.bin"), verify: withQuote("signature")),
        ]
        let hcl = try vector.file("hcl_report.bin")
        if json["platform"] == "az-snp" {
            parts.append(Part(name: "HCL report", bytes: hcl, verify: with("hcl_report")))
            parts.append(Part(name: "certificate", bytes: try vector.file("vek.der"), verify: with("vcek")))
        } else {
            parts.append(Part(name: "quote", bytes: try vector.file("td_quote.bin"), verify: with("td_quote")))
            // Only its own machine can check a TDREPORT; of it, REPORTDATA is compared and the rest is not used.
            let unsigned = 0x20..<0x20 + 1024
            let used = 0x20 + 128..<0x20 + 192
            let places = hcl.indices.filter { !unsigned.contains($0) || used.contains($0) }
            parts.append(
                Part(name: "HCL report without its TDREPORT", bytes: places.map { hcl[$0] }) { bytes in
                    var whole = hcl
                    for (place, byte) in zip(places, bytes) { whole[place] = byte }
                    try with("hcl_report")(whole)
                })
        }
        return parts
    }
}
