import KettleAttestation
import KettleProvenance
import Testing

@Suite struct EvidenceVectorTests {
    @Test func `there are as many vectors as there should be`() {
        #expect(EvidenceVector.all.count == 327)
        #expect(EvidenceVector.all.count { $0.isValid } == 62)
    }

    @Test(arguments: EvidenceVector.all) func `a vector gets its verdict and its facts`(vector: EvidenceVector) throws {
        let (reason, facts) = try vector.verdict()
        guard vector.isValid else {
            let others = vector.expected["also_acceptable"]?.arrayValue ?? []
            let accepted = ([vector.expected["reason"]].compactMap { $0 } + others).compactMap(\.stringValue)
            #expect(accepted.contains(reason ?? "accepted"), "\(reason ?? "accepted")")
            return
        }
        #expect(reason == nil)
        #expect(facts?.canonicalString() == vector.expected["facts"]?.canonicalString())
    }
}
