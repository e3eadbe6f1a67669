/// The Merkle tree hash of RFC 9162, section 2.1.1, the one that Certificate Transparency logs use.
///
/// A leaf is hashed behind 0x00 and a node behind 0x01, so that no leaf can pass for a node.
public enum MerkleTree {
    /// The tree's root. With no leaves it is the SHA-256 of nothing.
    public static func root(of leaves: [[UInt8]]) -> ContentDigest {
        var level = leaves.map(hash(leaf:))
        guard !level.isEmpty else { return ContentDigest(of: []) }
        // The RFC splits at the largest power of two below the count. Going up in pairs, with a last one that has no
        // partner carried along, makes the same tree.
        while level.count > 1 {
            var above: [ContentDigest] = []
            above.reserveCapacity(level.count / 2 + 1)
            for index in stride(from: 0, to: level.count - 1, by: 2) {
                above.append(hash(left: level[index], right: level[index + 1]))
            }
            if !level.count.isMultiple(of: 2) { above.append(level[level.count - 1]) }
            level = above
        }
        return level[0]
    }

    /// What a leaf is in the tree: SHA-256(0x00 ‖ leaf).
    public static func hash(leaf: [UInt8]) -> ContentDigest {
        var hasher = ContentHasher()
        hasher.update([0x00])
        hasher.update(leaf)
        return hasher.finalize()
    }

    /// What two subtrees are together: SHA-256(0x01 ‖ left ‖ right).
    public static func hash(left: ContentDigest, right: ContentDigest) -> ContentDigest {
        var hasher = ContentHasher()
        hasher.update([0x01])
        hasher.update(left.bytes)
        hasher.update(right.bytes)
        return hasher.finalize()
    }
}
