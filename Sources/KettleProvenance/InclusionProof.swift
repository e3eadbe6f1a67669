public import KettleError

/// That one entry is among the inputs of a build, for someone who knows the statement's input Merkle root.
///
///     {"format": "https://kettle.build/inclusion-proof/v1", "leaf": {…}, "leaf_index": 3, "path": ["…"], "tree_size": 24}
///
/// `leaf` is the entry of `resolvedDependencies`; its canonical JSON is the tree's leaf. `path` holds the audit path of RFC
/// 9162, the lowest digest first. It shows that entry and some digests and nothing else of the statement. The root is not
/// part of it: a proof that brought its own would prove nothing.
public struct InclusionProof: Hashable, Sendable {
    /// The name and version of the form.
    public static let format = "https://kettle.build/inclusion-proof/v1"
    /// The most that is read, in bytes.
    public static let limitInBytes = 1 << 20

    /// The entry, as it stands in the statement.
    public let leaf: JSONValue
    /// Its place among the inputs, from 0.
    public let leafIndex: Int64
    /// How many inputs there are. A path has the same shape in trees of several sizes: the root alone does not prove this.
    public let treeSize: Int64
    /// From the leaf's sibling to the root's child.
    public let path: [ContentDigest]

    /// Makes the proof of one entry of a statement.
    ///
    /// - Parameters:
    ///   - index: The entry's place, from 0.
    ///   - entries: `resolvedDependencies` as received, members that nobody knows included.
    /// - Returns: nil when there is no entry of that index.
    public init?(of index: Int, in entries: [JSONValue]) {
        guard let path = MerkleTree.inclusionPath(of: index, in: entries.map { $0.canonicalBytes() }) else {
            return nil
        }
        leaf = entries[index]
        leafIndex = Int64(index)
        treeSize = Int64(entries.count)
        self.path = path
    }

    /// Reads a proof that may come from anyone: exactly the five members, each in its one form.
    ///
    /// - Throws: ``InclusionProofError``.
    public init(parsing bytes: [UInt8]) throws(InclusionProofError) {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes, maximumBytes: Self.limitInBytes)
        } catch {
            throw .notJSON(error)
        }
        guard let members = json.objectValue else { throw .malformed(member: "the proof") }
        for name in members.keys where !["format", "leaf", "leaf_index", "path", "tree_size"].contains(name) {
            throw .unknownMember(name)
        }
        guard let format = members["format"]?.stringValue else { throw .malformed(member: "format") }
        guard format == Self.format else { throw .unknownFormat(format) }
        guard let leaf = members["leaf"], leaf.objectValue != nil else { throw .malformed(member: "leaf") }
        guard let treeSize = members["tree_size"]?.integerValue, (1...1 << 53).contains(treeSize) else {
            throw .malformed(member: "tree_size")
        }
        guard let leafIndex = members["leaf_index"]?.integerValue, (0..<treeSize).contains(leafIndex) else {
            throw .malformed(member: "leaf_index")
        }
        // The tallest tree has 53 levels.
        guard let texts = members["path"]?.arrayValue, texts.count <= 53 else { throw .malformed(member: "path") }
        let path = texts.compactMap { $0.stringValue.flatMap(ContentDigest.init(hex:)) }
        guard path.count == texts.count else { throw .malformed(member: "path") }
        self.leaf = leaf
        self.leafIndex = leafIndex
        self.treeSize = treeSize
        self.path = path
    }

    /// The root that this leads to, to be compared with one that comes from a verified statement; nil when the path does not
    /// fit the place and size, so that there is no such tree.
    public var root: ContentDigest? {
        MerkleTree.root(fromLeaf: leaf.canonicalBytes(), at: leafIndex, inTreeOf: treeSize, path: path)
    }

    /// The proof as a JSON object.
    public var json: JSONValue {
        [
            "format": .string(Self.format), "leaf": leaf, "leaf_index": .integer(leafIndex),
            "path": .array(path.map { .string($0.hex) }), "tree_size": .integer(treeSize),
        ]
    }
}

/// Why bytes are no inclusion proof.
public enum InclusionProofError: UserFacingError, Hashable {
    case notJSON(JSONError)
    case unknownFormat(String)
    case unknownMember(String)
    /// Missing, of another type, or out of bounds.
    case malformed(member: String)

    public var code: String {
        switch self {
        case .notJSON: "proof.not_json"
        case .unknownFormat: "proof.unknown_format"
        case .unknownMember: "proof.unknown_member"
        case .malformed: "proof.malformed"
        }
    }

    public var message: String {
        switch self {
        case .notJSON(let error): "the proof cannot be read: \(error.message)"
        case .unknownFormat(let format): "the proof has the unknown format \(Self.shown(format))"
        case .unknownMember(let name): "the proof has the unknown member \(Self.shown(name))"
        case .malformed(let member): "\(member) is missing or has not the form of a proof"
        }
    }

    public var hint: String? { "kettle prove makes a proof from a bundle" }
}
