import KettleProvenance
import Testing

@Suite struct MerkleTreeTests {
    /// The leaves that the reference implementation of Certificate Transparency tests with.
    private let leaves = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ]

    @Test(arguments: [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ])
    func `the roots are those of Certificate Transparency`(count: Int, root: String) throws {
        let inputs = try leaves.prefix(count).map { try #require([UInt8](hexadecimal: $0)) }
        #expect(MerkleTree.root(of: inputs).hex == root)
    }

    /// RFC 9162 section 2.1.1, word for word: split at the largest power of two below the count.
    private func definition(_ leaves: ArraySlice<[UInt8]>) -> ContentDigest {
        guard let first = leaves.first else { return ContentDigest(of: []) }
        guard leaves.count > 1 else { return ContentDigest(of: [0] + first) }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        let middle = leaves.startIndex + split
        return ContentDigest(of: [1] + definition(leaves[..<middle]).bytes + definition(leaves[middle...]).bytes)
    }

    @Test func `the root is that of the definition for any count`() {
        let leaves = (0..<130).map { [UInt8($0)] }
        for count in 0...leaves.count {
            #expect(MerkleTree.root(of: Array(leaves.prefix(count))) == definition(leaves.prefix(count)))
        }
    }

    @Test func `two leaves cannot pass for their parent`() {
        let pair: [[UInt8]] = [[1], [2]]
        let parent = MerkleTree.hash(leaf: pair[0]).bytes + MerkleTree.hash(leaf: pair[1]).bytes
        #expect(MerkleTree.root(of: pair) != MerkleTree.root(of: [parent]))
    }
}
