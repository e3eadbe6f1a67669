package import KettleStore

/// Who sent a request, as far as the service knows.
package struct Caller: Sendable, Hashable {
    /// What a caller may do.
    package enum Scope: String, Sendable, Hashable, CaseIterable, Comparable {
        /// Send builds, and read, cancel and remove the own ones.
        case submit
        /// Read the owner's builds.
        case read
        /// Read `/metrics`.
        case metrics
        /// Everything, of every owner.
        case admin

        package static func < (left: Scope, right: Scope) -> Bool { left.rawValue < right.rawValue }
    }

    /// The owner of what this caller sends; nil where the service has no accounts, and for a caller without a token.
    package var owner: String?
    package var scopes: Set<Scope>

    package init(owner: String?, scopes: Set<Scope>) {
        self.owner = owner
        self.scopes = scopes
    }

    /// Whoever reaches a service without accounts.
    package static let anonymous = Caller(owner: nil, scopes: Set(Scope.allCases))

    /// Whoever reaches a service with accounts and shows no token.
    package static let stranger = Caller(owner: nil, scopes: [])
}

extension Caller {
    package func has(_ scope: Scope) -> Bool { scopes.contains(scope) || scopes.contains(.admin) }

    /// Which builds this caller may read. Whoever has no owner reads the public ones, also where there are no accounts: the
    /// service may have had some before.
    package var reader: BuildReader {
        guard let owner else { return .everyone }
        if scopes.contains(.admin) { return .administrator }
        return has(.read) || has(.submit) ? .owner(owner) : .everyone
    }
}
