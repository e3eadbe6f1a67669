/// What Kettle claims of one build: an in-toto Statement v1 with the SLSA provenance v1 predicate.
///
/// A statement is only a claim. It becomes worth something when evidence binds its exact bytes, so digest the bytes as they
/// were received and never those of ``encoded()`` of a statement that was read.
public struct Statement: Hashable, Sendable {
    /// `_type` of every statement.
    public static let type = "https://in-toto.io/Statement/v1"
    /// `predicateType` of every statement.
    public static let predicateType = "https://slsa.dev/provenance/v1"

    /// The artifacts.
    public var subject: [Subject]
    /// How to read the parameters: ``buildType(toolchain:)``.
    public var buildType: String
    /// What the requester chose: `source`, `ref`, `path`, `toolchain`, `nonce`. A verifier refuses any other.
    public var externalParameters: [String: String]
    /// What Kettle chose: its version, the commands it ran, the sandbox's settings and limits.
    public var internalParameters: [String: JSONValue]
    /// Every input pinned by digest, in this order: the source, the lockfile, the dependencies (package URLs, sorted by
    /// URI), the tools.
    public var resolvedDependencies: [ResourceDescriptor]
    /// Who built: ``builderID(platform:)``.
    public var builderID: String
    /// The build's id.
    public var invocationID: String
    /// When the build began.
    public var startedOn: Timestamp
    /// When its last command had ended.
    public var finishedOn: Timestamp
    /// What explains the build: ``inputMerkleRootName`` and ``buildLogName``, by `sha256`.
    public var byproducts: [ResourceDescriptor]

    public init(
        subject: [Subject], buildType: String, externalParameters: [String: String],
        internalParameters: [String: JSONValue], resolvedDependencies: [ResourceDescriptor], builderID: String,
        invocationID: String, startedOn: Timestamp, finishedOn: Timestamp, byproducts: [ResourceDescriptor]
    ) {
        self.subject = subject
        self.buildType = buildType
        self.externalParameters = externalParameters
        self.internalParameters = internalParameters
        self.resolvedDependencies = resolvedDependencies
        self.builderID = builderID
        self.invocationID = invocationID
        self.startedOn = startedOn
        self.finishedOn = finishedOn
        self.byproducts = byproducts
    }

    /// A statement whose byproducts are the Merkle root of its resolved dependencies and the log of this digest.
    public init(
        subject: [Subject], buildType: String, externalParameters: [String: String],
        internalParameters: [String: JSONValue], resolvedDependencies: [ResourceDescriptor], builderID: String,
        invocationID: String, startedOn: Timestamp, finishedOn: Timestamp, buildLog: ContentDigest
    ) {
        self.init(
            subject: subject, buildType: buildType, externalParameters: externalParameters,
            internalParameters: internalParameters, resolvedDependencies: resolvedDependencies, builderID: builderID,
            invocationID: invocationID, startedOn: startedOn, finishedOn: finishedOn,
            byproducts: [
                ResourceDescriptor(
                    name: Self.inputMerkleRootName,
                    sha256: Self.inputMerkleRoot(of: resolvedDependencies.map(\.json))),
                ResourceDescriptor(name: Self.buildLogName, sha256: buildLog),
            ])
    }
}

extension Statement {
    /// An artifact, by name and content.
    public struct Subject: Hashable, Sendable {
        /// The artifact's file name in the bundle's `artifacts/`.
        public var name: String
        /// What the file is.
        public var digest: ContentDigest

        public init(name: String, digest: ContentDigest) {
            self.name = name
            self.digest = digest
        }
    }

    /// The byproduct that commits to every resolved dependency.
    public static let inputMerkleRootName = "input_merkle_root"
    /// The byproduct that is the build's raw output.
    public static let buildLogName = "build.log"

    /// `https://kettle.build/<toolchain>/v1`.
    public static func buildType(toolchain: String) -> String { "https://kettle.build/\(toolchain)/v1" }

    /// The toolchains that there are build types of, and what their lockfiles are called: `docs/build-types/`.
    package static let lockfileNames = [
        "nix": ["flake.lock", "flake.nix"], "cargo": ["Cargo.lock"], "pnpm": ["pnpm-lock.yaml"],
        "npm": ["package-lock.json", "npm-shrinkwrap.json"], "go": ["go.sum", "go.mod"], "uv": ["uv.lock"],
        "swift": ["Package.resolved", "Package.swift"],
    ]

    /// The word in the build type; nil for one that is none of Kettle's.
    package var toolchain: String? {
        Self.lockfileNames.keys.first { Self.buildType(toolchain: $0) == buildType }
    }

    /// `https://kettle.build/builder/<platform>/v1`. A build without a TEE never bears the id of one with.
    public static func builderID(platform: String) -> String { "https://kettle.build/builder/\(platform)/v1" }

    /// `builder.id` of a build that nobody attests to. No evidence is of such a builder.
    public static let unattestedBuilderID = builderID(platform: "unattested")

    /// The Merkle root over the canonical JSON of each resolved dependency, in order.
    ///
    /// - Parameter resolvedDependencies: The entries as they stand in the statement. A verifier passes what it received,
    ///   members that it does not know included.
    public static func inputMerkleRoot(of resolvedDependencies: [JSONValue]) -> ContentDigest {
        MerkleTree.root(of: resolvedDependencies.map { $0.canonicalBytes() })
    }
}
