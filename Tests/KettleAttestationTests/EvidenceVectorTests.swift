import KettleAttestation
import KettleProvenance
import KettleTesting
import Testing

@Suite struct EvidenceVectorTests {
    @Test func `there are as many vectors as there should be`() {
        #expect(EvidenceVector.evidence.count == 327)
        #expect(EvidenceVector.evidence.count { $0.isValid } == 62)
    }

    @Test(arguments: EvidenceVector.evidence) func `a vector gets its verdict and its facts`(vector: EvidenceVector)
        throws
    {
        let (reason, facts) = try vector.verdict()
        guard vector.isValid else {
            #expect(vector.reasons.contains(reason ?? "accepted"), "\(reason ?? "accepted")")
            return
        }
        #expect(reason == nil)
        #expect(facts?.canonicalString() == vector.expected["facts"]?.canonicalString())
    }

    private static let valid = EvidenceVector.evidence.filter { $0.isValid }

    @Test(arguments: valid)
    func `a verdict holds to the ends of its window, and not a second longer`(vector: EvidenceVector) throws {
        let verifier = try vector.verifier()
        let evidence = try Evidence(parsing: try vector.file("evidence.json"))
        let window = try verifier.verify(evidence, at: try vector.time).window
        for time in [window.first, window.last] {
            #expect(try verifier.verify(evidence, at: time).window == window)
        }
        for seconds in [window.first.secondsSince1970 - 1, window.last.secondsSince1970 + 1] {
            let time = Statement.Timestamp(secondsSince1970: seconds)
            let error = #expect(throws: EvidenceError.self) { try verifier.verify(evidence, at: time) }
            #expect(error?.isAboutTime == true, "\(error?.code ?? "")")
        }
    }
}
