package import KettleProvenance

/// What the store knows of one build.
package struct BuildRecord: Sendable, Hashable {
    package enum State: String, Sendable {
        case running, success, failed
    }

    /// Who may read a build.
    package enum Visibility: String, Sendable {
        /// Everybody.
        case `public`
        /// Its owner alone; to others it does not exist.
        case `private`
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
    /// What was asked for, in the words of whoever builds; nil for a build that cannot be begun again.
    package var request: [UInt8]?
    /// How often the build got as far as using the machine.
    package var attempts = 0
    /// What makes a second request with the same key the same build.
    package var idempotency: Idempotency?
    /// Whether retention took its files and left its statement and evidence.
    package var isPruned = false
    /// Whose build it is; nil where the service had no accounts.
    package var owner: String?
    package var visibility: Visibility

    /// A key that a caller chose for a request, and what the request was, both as SHA-256.
    package struct Idempotency: Sendable, Hashable {
        package var key: ContentDigest
        package var fingerprint: ContentDigest

        package init(key: ContentDigest, fingerprint: ContentDigest) {
            self.key = key
            self.fingerprint = fingerprint
        }
    }

    /// A build that begins now.
    package init(
        id: BuildID, source: String, ref: String?, createdAt: Int64, owner: String? = nil,
        visibility: Visibility = .public
    ) {
        self.id = id
        self.state = .running
        self.source = source
        self.ref = ref
        self.createdAt = createdAt
        self.owner = owner
        self.visibility = visibility
    }
}
