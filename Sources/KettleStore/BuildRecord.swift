package import KettleProvenance

/// What the store knows of one build.
package struct BuildRecord: Sendable, Hashable {
    package enum State: String, Sendable {
        case running, success, failed
    }

    package var id: BuildID
    package var state: State
    /// The git URL, or the name of the uploaded archive, as the requester gave it.
    package var source: String
    package var ref: String?
    package var buildSystem: String?
    /// Milliseconds since 1970, UTC.
    package var createdAt: Int64
    package var finishedAt: Int64?
    /// The JSON object of API section 1.3, once the build has ended.
    package var result: [UInt8]?

    /// A build that begins now.
    package init(id: BuildID, source: String, ref: String?, createdAt: Int64) {
        self.init(
            id: id, state: .running, source: source, ref: ref, buildSystem: nil, createdAt: createdAt, finishedAt: nil,
            result: nil)
    }

    init(
        id: BuildID, state: State, source: String, ref: String?, buildSystem: String?, createdAt: Int64,
        finishedAt: Int64?, result: [UInt8]?
    ) {
        self.id = id
        self.state = state
        self.source = source
        self.ref = ref
        self.buildSystem = buildSystem
        self.createdAt = createdAt
        self.finishedAt = finishedAt
        self.result = result
    }
}

/// A file of a build that may be downloaded: what it is called, and what it must be.
package struct RecordedFile: Sendable, Hashable {
    package enum Category: String, Sendable {
        /// What the build set out to make.
        case artifact
        /// The lockfile.
        case buildConfig = "build-config"
        /// What explains the build: statement, evidence, log, bundles.
        case record
    }

    package var category: Category
    /// The name by which a client asks for it; looked up, never joined to a path.
    package var name: String
    /// Where it lies below the build's folder. Made by Kettle, not taken from a client or a build.
    package var location: String
    package var digest: ContentDigest
    package var size: Int64

    package init(category: Category, name: String, location: String, digest: ContentDigest, size: Int64) {
        self.category = category
        self.name = name
        self.location = location
        self.digest = digest
        self.size = size
    }
}
