package import KettleProvenance

/// What the store knows of one token: everything but the secret.
package struct StoredToken: Sendable, Hashable {
    /// 12 lower-case hexadecimal digits; part of the token, and no secret.
    package var id: String
    /// Of the whole token's text.
    package var digest: ContentDigest
    package var owner: String
    /// What people call it.
    package var label: String?
    /// Words, in alphabetical order.
    package var scopes: [String]
    /// Milliseconds since 1970, UTC, like the other times.
    package var createdAt: Int64
    package var expiresAt: Int64?
    /// Within an hour.
    package var lastUsedAt: Int64?
    package var revokedAt: Int64?

    package init(
        id: String, digest: ContentDigest, owner: String, label: String?, scopes: [String], createdAt: Int64,
        expiresAt: Int64?, lastUsedAt: Int64? = nil, revokedAt: Int64? = nil
    ) {
        self.id = id
        self.digest = digest
        self.owner = owner
        self.label = label
        self.scopes = scopes
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.lastUsedAt = lastUsedAt
        self.revokedAt = revokedAt
    }
}
