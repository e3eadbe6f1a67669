/// The Merkle tree hash of RFC 9162, section 2.1.1, the one that Certificate Transparency logs use.
///
/// A leaf is hashed behind 0x00 and a node behind 0x01, so that no leaf can pass for a node.
public enum MerkleTree {
    /// The tree's root. With no leaves it is the SHA-256 of nothing.
    public static func root(of leaves: [[UInt8]]) -> ContentDigest {
        var level = leaves.map(hash(leaf:))
        guard !level.isEmpty else { return ContentDigest(of: []) }
        while level.count > 1 { level = above(level) }
        return level[0]
    }

    /// The audit path of one leaf: the digests that lead from it to the root, the lowest first (RFC 9162, section 2.1.3.1).
    ///
    /// - Returns: nil when there is no leaf of that index.
    public static func inclusionPath(of index: Int, in leaves: [[UInt8]]) -> [ContentDigest]? {
        guard leaves.indices.contains(index) else { return nil }
        var level = leaves.map(hash(leaf:))
        var place = index
        var path: [ContentDigest] = []
        while level.count > 1 {
            let sibling = place ^ 1
            if sibling < level.count { path.append(level[sibling]) }
            level = above(level)
            place /= 2
        }
        return path
    }

    /// The root that a leaf and its audit path lead to (RFC 9162, section 2.1.3.2, whose names the comments give).
    ///
    /// - Parameters:
    ///   - leaf: What the tree holds there, unhashed.
    ///   - index: The leaf's place, from 0.
    ///   - size: How many leaves the tree has.
    ///   - path: The digests that lead from the leaf to the root, the lowest first.
    /// - Returns: nil when no tree of that size has such a path for that leaf.
    public static func root(
        fromLeaf leaf: [UInt8], at index: Int64, inTreeOf size: Int64, path: [ContentDigest]
    ) -> ContentDigest? {
        guard index >= 0, index < size else { return nil }
        // fn and sn: the places of this node and of the last one, on the level that has been reached.
        var (node, last) = (index, size - 1)
        var root = hash(leaf: leaf)
        for digest in path {
            guard last > 0 else { return nil }
            if !node.isMultiple(of: 2) || node == last {
                root = hash(left: digest, right: root)
                // A last node without a partner is carried up to where it has one.
                while node.isMultiple(of: 2), node > 0 {
                    node /= 2
                    last /= 2
                }
            } else {
                root = hash(left: root, right: digest)
            }
            node /= 2
            last /= 2
        }
        return last == 0 ? root : nil
    }

    /// The level above. The RFC splits at the largest power of two below the count. Going up in pairs, with a last one that
    /// has no partner carried along, makes the same tree.
    private static func above(_ level: [ContentDigest]) -> [ContentDigest] {
        var above: [ContentDigest] = []
        above.reserveCapacity(level.count / 2 + 1)
        for index in stride(from: 0, to: level.count - 1, by: 2) {
            above.append(hash(left: level[index], right: level[index + 1]))
        }
        if !level.count.isMultiple(of: 2) { above.append(level[level.count - 1]) }
        return above
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
