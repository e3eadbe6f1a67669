import KettleAttestation
import Testing

@Suite struct TrustRootsTests {
    /// ``TrustRoots/vendor`` takes these signatures for checked, since they are over what is compiled in.
    @Test func `the chip makers' own roots are signed as they should be`() throws {
        let contents = TrustRoots.vendorContents
        #expect(contents.ark.count == 3 && contents.ask.count == 3 && contents.asvk.count == 3)
        _ = try TrustRoots(contents)
    }

    @Test func `another root is refused where its signatures are not right`() {
        func changed(_ change: (inout TrustRoots.Contents) -> Void) -> TrustRoots.Contents {
            var contents = TrustRoots.vendorContents
            change(&contents)
            return contents
        }
        func flip(_ bytes: inout [UInt8]?) { if let last = bytes?.popLast() { bytes?.append(last ^ 1) } }
        let vendor = TrustRoots.vendorContents
        for contents in [
            changed { flip(&$0.ark[.milan]) }, changed { flip(&$0.ask[.genoa]) }, changed { flip(&$0.asvk[.turin]) },
            changed { $0.intel[100] ^= 1 },
            changed { $0.ask[.milan] = vendor.ask[.genoa] }, changed { $0.ark[.milan] = vendor.ask[.milan] },
        ] {
            #expect(throws: EvidenceError.self) { try TrustRoots(contents) }
        }
    }
}
