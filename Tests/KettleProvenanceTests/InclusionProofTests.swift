import KettleProvenance
import Testing

/// Audit paths and the proofs made of them.
@Suite struct InclusionProofTests {
    /// The leaves that the reference implementation of Certificate Transparency tests with.
    private static let reference = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ].compactMap { [UInt8](hexadecimal: $0) }

    /// The audit paths that come with them (certificate-transparency, merkletree/merkle_tree_test.cc).
    @Test(arguments: [
        (0, 1, []),
        (
            0, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            5, 8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1, 5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
    ])
    func `the paths are those of Certificate Transparency`(index: Int, count: Int, path: [String]) throws {
        let leaves = Array(Self.reference.prefix(count))
        let found = try #require(MerkleTree.inclusionPath(of: index, in: leaves))
        #expect(found.map(\.hex) == path)
        let root = MerkleTree.root(
            fromLeaf: leaves[index], at: Int64(index), inTreeOf: Int64(count), path: found)
        #expect(root == MerkleTree.root(of: leaves))
    }

    @Test func `every leaf of every tree leads to its root, and to no other by another place or size`() throws {
        let leaves = (0..<130).map { [UInt8($0), UInt8($0 ^ 0x55)] }
        for count in 1...leaves.count {
            let tree = Array(leaves.prefix(count))
            let root = MerkleTree.root(of: tree)
            for index in tree.indices {
                let path = try #require(MerkleTree.inclusionPath(of: index, in: tree))
                let lead = { (index: Int, size: Int, path: [ContentDigest]) in
                    MerkleTree.root(
                        fromLeaf: tree[min(index, count - 1)], at: Int64(index), inTreeOf: Int64(size), path: path)
                }
                #expect(lead(index, count, path) == root)
                #expect(lead(index + 1, count, path) != root)
                #expect(lead(index, count, path + [root]) == nil)
                if !path.isEmpty {
                    #expect(lead(index, count, Array(path.dropLast())) == nil)
                    #expect(lead(index, count, Array(path.dropFirst())) == nil)
                }
                #expect(MerkleTree.root(fromLeaf: [0], at: Int64(index), inTreeOf: Int64(count), path: path) != root)
            }
            #expect(MerkleTree.inclusionPath(of: count, in: tree) == nil)
            #expect(MerkleTree.inclusionPath(of: -1, in: tree) == nil)
        }
    }

    @Test func `a tree of a hundred thousand leaves has paths of seventeen digests`() throws {
        let leaves = (0..<100_000).map { Array("leaf \($0)".utf8) }
        let root = MerkleTree.root(of: leaves)
        for index in [0, 1, 65_535, 65_536, 99_998, 99_999] {
            let path = try #require(MerkleTree.inclusionPath(of: index, in: leaves))
            #expect(path.count <= 17)
            #expect(
                MerkleTree.root(fromLeaf: leaves[index], at: Int64(index), inTreeOf: 100_000, path: path) == root)
        }
    }

    private static let entries = (0..<11).map {
        ResourceDescriptor(uri: "pkg:cargo/c\($0)@1.0.0", sha256: ContentDigest(of: [UInt8($0)])).json
    }

    @Test func `a proof is read as it was written`() throws {
        let proof = try #require(InclusionProof(of: 6, in: Self.entries))
        let read = try InclusionProof(parsing: proof.json.canonicalBytes())
        #expect(read == proof)
        #expect(read.root == MerkleTree.root(of: Self.entries.map { $0.canonicalBytes() }))
        #expect(InclusionProof(of: 11, in: Self.entries) == nil)
        #expect(InclusionProof(of: -1, in: Self.entries) == nil)
    }

    /// A path has the shape of several sizes, so the size is known only as far as the root is that of a known statement.
    @Test func `no bit of a proof can be flipped but in its size`() throws {
        let root = MerkleTree.root(of: Self.entries.map { $0.canonicalBytes() })
        let bytes = try #require(InclusionProof(of: 6, in: Self.entries)).json.canonicalBytes()
        for index in bytes.indices {
            for bit in 0..<8 {
                var flipped = bytes
                flipped[index] ^= 1 << bit
                guard let proof = try? InclusionProof(parsing: flipped), proof.treeSize == 11 else { continue }
                #expect(proof.root != root, "bit \(bit) of byte \(index)")
            }
        }
    }

    @Test(arguments: [
        ("\"leaf_index\":6", "\"leaf_index\":11"), ("\"leaf_index\":6", "\"leaf_index\":-1"),
        ("\"leaf_index\":6", "\"leaf_index\":6.5"), ("\"leaf_index\":6", "\"leaf_index\":\"6\""),
        ("\"tree_size\":11", "\"tree_size\":0"), ("\"tree_size\":11", "\"tree_size\":9007199254740993"),
        ("\"tree_size\":11", "\"tree_size\":11,\"root\":\"x\""),
        ("\"tree_size\":11", "\"tree_size\":11,\"tree_size\":11"),
        ("inclusion-proof/v1", "inclusion-proof/v2"), ("\"leaf\":{", "\"leef\":{"), ("\"path\":[\"", "\"path\":[\"A"),
        ("\"path\":[", "\"path\":[1,"), ("{\"format\"", "[{\"format\""),
    ])
    func `a proof of any other form is refused`(from: String, to: String) throws {
        let text = try #require(InclusionProof(of: 6, in: Self.entries)).json.canonicalString()
        #expect(text.contains(from))
        #expect(throws: InclusionProofError.self) {
            try InclusionProof(parsing: Array(text.replacing(from, with: to).utf8))
        }
    }
}
