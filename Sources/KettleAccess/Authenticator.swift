package import KettleStore
package import Logging

/// Finds out who shows a token.
package struct Authenticator: Sendable {
    private let tokens: TokenStore
    private let rules: [OIDCRule]
    /// By the name of the rule.
    private let issuers: [String: OIDCIssuer]
    /// Milliseconds since 1970, UTC.
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - rules: The first one that fits a token counts.
    ///   - fetch: Gets the documents of the rules' issuers.
    package init(
        tokens: TokenStore, rules: [OIDCRule] = [], logger: Logger, now: @escaping @Sendable () -> Int64,
        fetch: @escaping OIDCIssuer.Fetching
    ) {
        self.tokens = tokens
        self.rules = rules
        var places: [[String?]: OIDCIssuer] = [:]
        var issuers: [String: OIDCIssuer] = [:]
        for rule in rules {
            let place = [rule.issuer, rule.keysURL]
            let issuer =
                places[place]
                ?? OIDCIssuer(issuer: rule.issuer, keysURL: rule.keysURL, logger: logger, now: now, fetch: fetch)
            places[place] = issuer
            issuers[rule.name] = issuer
        }
        self.issuers = issuers
        self.now = now
    }

    /// Looked up each time, so that a token that was revoked or has expired is worthless at once.
    ///
    /// - Parameter credential: What stands after `Bearer`.
    /// - Throws: ``AccessError`` for a token that is not accepted, and what the store throws.
    package func caller(showing credential: String) async throws -> Caller {
        if OIDCToken.isOne(credential) { return try await caller(identifiedBy: OIDCToken(parsing: credential)) }
        guard let token = AccessToken(credential) else { throw AccessError.malformed }
        guard let stored = try await tokens.token(token.id), token.matches(stored) else { throw AccessError.unknown }
        let time = now()
        guard stored.revokedAt == nil else { throw AccessError.revoked }
        if let end = stored.expiresAt, end <= time { throw AccessError.expired }
        // A disk that is full keeps nobody from reading.
        try? await tokens.recordUse(of: stored, at: time)
        return Caller(owner: stored.owner, scopes: Set(stored.scopes.compactMap(Caller.Scope.init)))
    }

    private func caller(identifiedBy token: OIDCToken) async throws(AccessError) -> Caller {
        let rules = rules.filter { $0.issuer.utf8.elementsEqual(token.claims.issuer.utf8) }
        guard !rules.isEmpty else { throw .identity(reason: "its issuer is not one of those that are accepted") }
        try token.claims.checkTimes(at: Double(now()) / 1000)
        // Before any key is got: a token that no rule wants costs nothing.
        for rule in rules {
            guard let caller = rule.caller(with: token.claims), let issuer = issuers[rule.name] else { continue }
            try await issuer.verify(token)
            return caller
        }
        throw .identity(reason: "no rule accepts its audience and subject")
    }
}
